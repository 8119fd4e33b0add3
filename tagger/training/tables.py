"""Tables that users bring: CSV as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tagger.errors import UsageError
from tagger.report.text import counted

__all__ = ["FILE", "is_text", "not_text", "read_table"]

FILE: Final = "path"
"""What :func:`read_table` calls the column that names the file."""

_FILE_COLUMNS: Final = (FILE, "file", "filename")
_DELIMITERS: Final = ",;\t"


def read_table(table: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a table with a header, each with the number of the line that it ends on.

    Comma, semicolon or tab separate the values. Columns are called in lower case, and the one
    that names the file (``path``, ``file`` or ``filename``) :data:`FILE`. Values have no space
    around them. Lines without any value are passed over.

    Args:
        table: in UTF-8, with or without a byte order mark. Names of files may be any bytes, as
            file systems have them, and are then as :func:`os.fsdecode` gives them.
        needed: columns that must be there beside the file's.

    Raises:
        UsageError: it cannot be read, lacks a column, or has a row that is longer or shorter
            than its header; the message names the line.
    """
    text = _text(table)
    plain = text.isascii()  # most are, and long
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    columns: list[str] = []
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if not any(cells):
                continue
            if not plain:
                _check_text(cells, columns, table, reader.line_num)
            if not columns:
                columns = _columns(cells, needed, f"{table}: line {reader.line_num}")
            elif len(cells) == len(columns):
                rows.append((reader.line_num, dict(zip(columns, cells, strict=True))))
            else:
                raise UsageError(
                    f"{table}: line {reader.line_num} has {counted(len(cells), 'value')} for "
                    f"{counted(len(columns), 'column')}; put in quotes what holds {delimiter!r}"
                )
    except csv.Error as error:
        raise UsageError(f"{table}: line {reader.line_num}: {error}") from None
    if not columns:
        raise UsageError(f"{table}: the table is empty")
    return rows


def _text(table: Path) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise UsageError(f"{table}: cannot be read: {error.strerror}") from error
    # Spreadsheets put a mark before the text.
    return data.decode("utf-8-sig", errors="surrogateescape")


def not_text(table: Path, line: int) -> UsageError:
    """What to say of a line that is in another encoding."""
    return UsageError(f"{table}: line {line} is not UTF-8 text; save it as UTF-8")


def _check_text(cells: Sequence[str], columns: Sequence[str], table: Path, line: int) -> None:
    for at, cell in enumerate(cells):
        is_name = at < len(columns) and columns[at] == FILE
        if not is_name and not is_text(cell):
            raise not_text(table, line)


def is_text(cell: str) -> bool:
    """Whether a value is in the encoding that a table is to be in."""
    return not any("\udc80" <= c <= "\udcff" for c in cell)


def _columns(cells: Sequence[str], needed: Sequence[str], place: str) -> list[str]:
    columns = [cell.casefold() for cell in cells]
    of_file = [column for column in columns if column in _FILE_COLUMNS]
    if len(of_file) > 1:
        raise UsageError(f"{place}: {' and '.join(of_file)} both name the file; keep one")
    absent = [column for column in needed if column not in columns]
    if not of_file:
        absent.insert(0, " or ".join(_FILE_COLUMNS))
    if absent:
        there = ", ".join(cells[:8]) + (", …" if len(cells) > 8 else "")
        more = f" and {len(absent) - 4} more" if len(absent) > 4 else ""
        raise UsageError(
            f"{place}: the header has no column {', '.join(absent[:4])}{more}; it has {there}"
        )
    for column in (*of_file, *needed):
        if columns.count(column) > 1:
            raise UsageError(f"{place}: two columns are called {column}; keep one")
    return [FILE if column in _FILE_COLUMNS else column for column in columns]
