"""Write the manual page and completions of the wheel: ``python -m tagger.cli.share``.

They are kept in the repository, so that building a wheel needs nothing but the files; a test
holds them equal to what the grammar says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tagger.cli.completion import completion_script
from tagger.cli.manual import manual

__all__ = ["FOLDER", "shared_files"]

FOLDER: Final = Path(__file__).parents[1] / "share"
"""Where they are kept."""


def shared_files() -> dict[str, str]:
    """Each by its name."""
    return {
        "genretag.1": manual(),
        "genretag.bash": completion_script("bash"),
        "_genretag": completion_script("zsh"),
        "genretag.fish": completion_script("fish"),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in shared_files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
