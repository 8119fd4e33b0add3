"""``python -m tagger`` is ``genretag``."""

from tagger.cli import main

if __name__ == "__main__":
    main()
