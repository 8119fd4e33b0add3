"""The command line: grammar only. ``main`` is the console script's entry."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with the documented code."""
    from tagger.errors import GenretagError

    # Python processes that are started from here on would first look for their modules in the
    # folder that the user is in: a `random.py` among somebody's music would be run.
    os.environ["PYTHONSAFEPATH"] = "1"
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # closed, or replaced by something simpler
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        from tagger.cli.app import app

        app()
    except GenretagError as error:
        from tagger.report.text import shown

        print(f"genretag: {shown(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("genretag: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except ImportError as error:
        # Ctrl-C amid the import of a native library comes out of it in disguise.
        if not _came_from_interrupt(error):
            raise
        print("genretag: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output (head, less) is gone; that is no error of ours.
        sys.stderr.close()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"genretag: output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered would say it again
        raise SystemExit(2) from None


def _came_from_interrupt(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main()
