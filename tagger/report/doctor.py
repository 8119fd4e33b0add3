"""What people and programs read of ``genretag doctor``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from tagger.domain import Finding, Health
from tagger.report.text import counted, shown

__all__ = ["findings_json", "print_findings"]

_STYLES = {Health.OK: "green", Health.NOTE: "yellow", Health.PROBLEM: "bold red"}


def print_findings(findings: Iterable[Finding]) -> bool:
    """Show each as it is found, then what they come to; whether there is no problem."""
    out = Console(highlight=False)
    problems = notes = 0
    for finding in findings:
        problems += finding.health is Health.PROBLEM
        notes += finding.health is Health.NOTE
        line = Text.assemble(
            (f"{finding.health:<8}", _STYLES[finding.health]),
            f"{finding.part:<14}{shown(finding.text)}",
        )
        out.print(line, soft_wrap=True)
        if finding.advice:
            out.print(Text(f"{'':<22}{shown(finding.advice)}", style="dim"), soft_wrap=True)
    said = f"{counted(problems, 'problem')}, {counted(notes, 'note')}"
    out.print(Text(said if problems or notes else "All is well."))
    return not problems


def findings_json(findings: Iterable[Finding]) -> tuple[str, bool]:
    """All of them as one JSON object, and whether there is no problem."""
    listed = [asdict(finding) for finding in findings]
    well = all(finding["health"] != Health.PROBLEM for finding in listed)
    return json.dumps({"ok": well, "findings": listed}, indent=2), well
