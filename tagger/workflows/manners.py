"""How a run behaves towards other runs and other programs."""

from __future__ import annotations

from tagger.engine.priority import lower_priority
from tagger.engine.threads import one_thread
from tagger.library.folders import state_folder
from tagger.library.lock import RunLock

__all__ = ["lower_priority", "one_thread", "only_run"]


def only_run(command: str) -> RunLock:
    """A context in which no other run may write.

    Args:
        command: what runs, for those who are kept waiting.

    Raises:
        LockedError: when it is entered, if another run is under way.
        UsageError: nothing can be locked in the state folder.
    """
    return RunLock(state_folder(), command)
