"""The house as designed: who may import whom, and no room's module too long to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tagger"
MODULES = sorted(PACKAGE.rglob("*.py"))

EVERYBODY = {
    "tagger", "tagger.domain", "tagger.errors", "tagger.timeline", "tagger.trust", "tagger.words",
}  # fmt: skip
"""Values, errors, whom to trust with files, the comparison of words and the version; they import
nothing of ours."""

RULES: dict[str, set[str]] = {
    "audio": set(),
    "engine": set(),
    "report": set(),
    "library": set(),
    "tags": set(),
    "analysis": {"audio"},
    # Types alone, and the analysis' version: a model must not cost the signal code's import.
    "models": {"analysis.picture", "analysis.version", "audio.excerpts"},
    "workflows": {"audio", "analysis", "models", "tags", "library", "engine", "report"},
    "training": {"audio", "analysis", "models", "tags", "library", "engine", "report", "workflows"},
    # The room models for `genretag models`, which has nothing to decide; training is a room of
    # workflows of its own.
    "cli": {"workflows", "report", "models", "training", "app"},
    "app": {"workflows", "report"},
    "__main__": {"cli"},
    "domain": set(),
    "errors": set(),
    "timeline": {"domain"},
    "trust": set(),
    "words": set(),
    "__init__": set(),
}
"""A room, and the rooms (or single modules) that it may import besides itself."""

ONLY_TRAINING = {"tensorflow", "keras", "sklearn", "skl2onnx", "joblib", "tqdm"}

FITS = {"tagger.models.kmeans"}
"""Outside of training, what needs scikit-learn; it is loaded where music types are fitted."""

PICTURES = {"tagger.report.timeline_plot", "tagger.report.types_plot", "tagger.app.answer"}
"""Outside of training, what needs matplotlib; it is imported where a picture is asked for."""

PAGES = {"tagger.app.page", "tagger.app.serve"}
"""What needs Gradio."""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts)


def room_of(name: str) -> str:
    return name.split(".")[1]


def imports(source: str, name: str) -> Iterator[str]:
    """Every module that a source imports, anywhere in it, in absolute terms.

    ``from a import b`` gives ``a.b``, as b may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = ".".join(name.split(".")[: -node.level])
                base = f"{above}.{base}".rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def under(name: str, top: str) -> bool:
    return name == top or name.startswith(f"{top}.")


def offences(source: str, name: str) -> list[str]:
    """Imports of ours that the rules do not allow to this module."""
    room = room_of(name)
    allowed = {f"tagger.{r}" for r in {room, *RULES[room]}}
    return [
        imported
        for imported in imports(source, name)
        if under(imported, "tagger")
        and not any(under(imported, top) for top in allowed)
        and imported not in {"tagger", "tagger.__version__"}
        and not any(under(imported, top) for top in EVERYBODY - {"tagger"})
    ]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_arrows_point_down(path):
    assert offences(path.read_text(encoding="utf-8"), module_name(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_training_needs_what_only_trains(path):
    if room_of(module_name(path)) == "training":
        return
    name = module_name(path)
    roots = {n.split(".")[0] for n in imports(path.read_text(encoding="utf-8"), name)}
    assert roots & ONLY_TRAINING <= ({"sklearn"} if name in FITS else set())
    assert "matplotlib" not in roots or name in PICTURES
    assert not roots & {"gradio", "starlette"} or name in PAGES


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_module_is_too_long_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_every_room_has_its_rule():
    assert {room_of(module_name(path)) for path in MODULES} <= set(RULES)


def test_the_rules_have_no_circle():
    def below(room: str, way: tuple[str, ...] = ()) -> None:
        assert room not in way, f"{' → '.join((*way, room))}"
        for allowed in RULES[room]:
            below(allowed.split(".")[0], (*way, room))

    for room in RULES:
        below(room)


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("tagger.tags.x", "import tagger.library.walk", ["tagger.library.walk"]),
        ("tagger.tags.x", "from tagger.cli import main", ["tagger.cli.main"]),
        ("tagger.tags.x", "from tagger import cli", ["tagger.cli"]),
        ("tagger.tags.x", "def f():\n    import tagger.models", ["tagger.models"]),
        ("tagger.tags.x", "if TYPE_CHECKING:\n    from ..audio import y", ["tagger.audio.y"]),
        ("tagger.tags.x", "from .fields import GENRE\nfrom . import y", []),
        ("tagger.tags.x", "from tagger.domain import Policy\nimport tagger.errors", []),
        ("tagger.tags.x", "from tagger import __version__, errors\nimport taggery", []),
        ("tagger.models.x", "from tagger.analysis.picture import Picture", []),
        ("tagger.models.x", "from tagger.analysis import features", ["tagger.analysis.features"]),
        ("tagger.cli.x", "from tagger.tags import read", ["tagger.tags.read"]),
        ("tagger.training.x", "from tagger.cli import app", ["tagger.cli.app"]),
        ("tagger.domain", "import tagger.errors\nimport tagger.tags", ["tagger.tags"]),
    ],
)
def test_the_check_sees_every_kind_of_import(name, source, found):
    assert offences(source, name) == found
