"""Writes a run as one page: everything in one file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from tagger import __version__
from tagger.domain import RunSummary, TrackReport
from tagger.errors import UsageError
from tagger.report.deeds import DEEDS, EXPLAINED
from tagger.report.html.spool import Spool
from tagger.report.html.texts import Output, script_json
from tagger.report.records import summary_object
from tagger.report.text import one_line, shown
from tagger.trust import growing, is_special, planted_link

__all__ = ["HtmlReport"]

_MARK: Final = b'<meta name="generator" content="genretag'
_HEAD_BYTES: Final = 2_000
_SCRIPTS: Final = (
    "data.js", "dom.js", "marks.js", "names.js", "map.js", "charts.js", "table.js", "page.js",
)  # fmt: skip
_HERE: Final = "@DATA@"
_OF_THE_RUN: Final = (
    "seconds", "tracks_per_second", "audio_s", "changed", "dry_run", "interrupted", "left",
    "model", "version",
)  # fmt: skip


class HtmlReport:
    """Collects a run on disk; the page is in its place when the run is over, however it ended.

    Args:
        path: the page. One of an earlier run is replaced in one step.

    Raises:
        UsageError: something else stands there.
        OSError: its folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        if planted_link(path):
            raise UsageError(f"--report {shown(path)}: a link that somebody else put there")
        if _is_something_else(path):
            raise UsageError(
                f"--report {shown(path)}: the file exists and is no report of ours; "
                "it was left alone"
            )
        self._path = Path(os.path.realpath(path))  # a link stays, and leads to the new page
        with TemporaryFile(dir=self._path.parent):  # rather now than after hours
            pass
        self._spool = Spool(self._path.parent)

    def track(self, report: TrackReport) -> None:
        """Take one track."""
        self._spool.add(report)

    def finish(self, summary: RunSummary) -> None:
        """Write the page and put it in its place."""
        try:
            with growing(self._path) as out:
                self._write(out, summary)
        finally:
            self._spool.close()

    def _write(self, out: Output, summary: RunSummary) -> None:
        before, after = _template()
        out.write(before)
        for key, value in self._heads(summary).items():
            out.write(b"{" if key == "run" else b",")
            out.write(script_json(key) + b":" + script_json(value))
        out.write(b',"names":')
        self._spool.write_names(out)
        out.write(b',"texts":')
        self._spool.write_texts(out)
        out.write(b',"columns":')
        self._spool.write_columns(out)
        out.write(b"}")
        out.write(after)

    def _heads(self, summary: RunSummary) -> dict[str, Any]:
        deeds = []
        for key in self._spool.meaning("deed"):
            done, planned, tone = DEEDS.get(key, (key, key, "dim"))
            word = planned if summary.dry_run else done
            place = list(DEEDS).index(key) if key in DEEDS else len(DEEDS)
            why = EXPLAINED.get(key, "")
            deeds.append({"key": key, "word": word, "why": why, "tone": tone, "place": place})
        run = summary_object(summary)
        return {
            "run": {
                **{name: run[name] for name in _OF_THE_RUN},
                "model": one_line(summary.model),
                "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
            },
            "genres": self._spool.meaning("genre"),
            "types": self._spool.meaning("type"),
            "deeds": deeds,
        }


def _template() -> tuple[bytes, bytes]:
    """The page before its data and after it."""
    style = _part("page.css")
    script = "\n".join(_part(name) for name in _SCRIPTS)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    page = _part("page.html")
    values = {"VERSION": __version__, "POLICY": policy, "STYLE": style, "SCRIPT": script}
    for name, value in values.items():
        page = page.replace(f"@{name}@", value)
    before, after = page.split(_HERE)
    return before.encode(), after.encode()


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """An inline element's source as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _is_something_else(path: Path) -> bool:
    if is_special(path):
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            return bool(head) and _MARK not in head
    except FileNotFoundError:
        return False
