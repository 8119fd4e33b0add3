"""The command line: grammar only. ``main`` is the console script's entry."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with the documented code."""
    from tagger.errors import GenretagError

    try:
        from tagger.cli.app import app

        app()
    except GenretagError as error:
        print(f"genretag: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("genretag: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of our output (head, less) is gone; that is no error of ours.
        sys.stderr.close()
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
