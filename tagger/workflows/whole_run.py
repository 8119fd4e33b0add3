"""What a run says of itself that writes all it is given: no track is skipped or left for later."""

from __future__ import annotations

from tagger.domain import AsBefore
from tagger.workflows.recording import RunRecorder

__all__ = ["WholeRun"]


class WholeRun:
    """A run that a console follows, beside those of ``scan``.

    Attributes:
        _recorder: where it journals, once it writes.
    """

    _recorder: RunRecorder | None = None

    @property
    def as_before(self) -> AsBefore:
        """None: every file is looked at."""
        return AsBefore()

    @property
    def left(self) -> int:
        """None: all is written."""
        return 0

    @property
    def notice(self) -> str:
        """Nothing: it asks nothing of a cache."""
        return ""

    @property
    def run(self) -> int | None:
        """The number under which ``undo`` knows this run; None if nothing was written."""
        return self._recorder.run if self._recorder else None
