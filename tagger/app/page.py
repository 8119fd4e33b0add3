"""The page's layout and what happens on it. Needs Gradio."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import gradio as gr

from tagger.app.answer import Answerer, problem_html
from tagger.errors import GenretagError
from tagger.report.timeline_plot import write_picture

__all__ = ["CSS", "build_page", "theme"]

_INTRO: Final = (
    "# genretag\nDrop a track, or record one. It is heard on this machine, and nothing is sent "
    "anywhere. The page's copy of it is deleted with the next one, or when you leave."
)
_PIXELS_PER_INCH: Final = 100.0

# The browser knows how wide the page is, and whether it is dark.
_LOOK_JS: Final = (
    "(file) => [file, Math.min(document.body.clientWidth, 1280), "
    "document.body.classList.contains('dark')]"
)

CSS: Final = """
.neighbours table {width: 100%; border-collapse: collapse}
.neighbours :is(table, thead, tbody, tr) {border: 0 !important}
.neighbours :is(td, th) {text-align: left; padding: .3em .7em .3em 0; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--border-color-primary)}
.neighbours td:nth-child(2) {overflow-wrap: anywhere}
.neighbours span {white-space: nowrap}
.neighbours small {display: block; opacity: .75}
#picture img {padding-top: 2.4em}
.facts .problem {font-weight: 600}
.facts ul {padding-left: 1.2em}
footer {display: none !important}
"""


def theme() -> Any:
    """Gradio's plain theme in the system's own fonts: nothing is loaded from elsewhere."""
    return gr.themes.Default(
        font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
    )


def build_page(answerer: Answerer, folder: Path) -> Any:
    """Lay out the page.

    Args:
        answerer: hears the files.
        folder: where pictures are written, and below which uploads lie.
    """

    visits: dict[str | None, list[str]] = {}

    def forget(request: gr.Request) -> None:
        remove(visits.pop(request.session_hash, []), folder)

    def hear(
        file: str | None,
        width_px: float,
        dark: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio looks for it here)
    ) -> tuple[dict[str, float] | None, str, str | None, str]:
        forget(request)
        if not file:
            return None, "", None, ""
        visits[request.session_hash] = files = [file]
        try:
            answer = answerer.answer(
                Path(file),
                width_in=max(3.6, float(width_px or 1200) / _PIXELS_PER_INCH),
                dark=bool(dark),
                progress=lambda done, total: progress((done, total), desc="Hearing"),
            )
            handle, picture = tempfile.mkstemp(".png", dir=folder)
            os.close(handle)
            files.append(picture)
            write_picture(answer.figure, Path(picture), "picture")
        except GenretagError as error:
            forget(request)
            return None, problem_html(error), None, ""
        return answer.genres or None, answer.facts, picture, answer.neighbours

    with gr.Blocks(title="genretag", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(_INTRO)
        width, dark = gr.Number(1200, visible=False), gr.Checkbox(False, visible=False)
        audio = gr.Audio(
            sources=["upload", "microphone"], type="filepath", label="Track", editable=False,
            buttons=[], elem_id="track",
        )  # fmt: skip
        with gr.Row():
            with gr.Column(min_width=320):
                genres = gr.Label(label="Genres heard", num_top_classes=5, elem_id="genres")
            with gr.Column(min_width=320):
                facts = gr.HTML(elem_classes="facts", elem_id="facts")
        gr.Markdown("### Along the track")
        picture = gr.Image(
            show_label=False, type="filepath", interactive=False, elem_id="picture",
            buttons=["download", "fullscreen"],
        )  # fmt: skip
        gr.Markdown("### Similar tracks")
        neighbours = gr.HTML(elem_id="neighbours")
        audio.change(
            hear, [audio, width, dark], [genres, facts, picture, neighbours],
            js=_LOOK_JS, concurrency_limit=1, api_name="hear", show_progress_on=[picture],
        )  # fmt: skip
        page.unload(forget)
    return page


def remove(files: list[str], folder: Path) -> None:
    """Delete uploads and pictures of a visit; nothing outside of ``folder``."""
    root = folder.resolve()
    for file in files:
        path = Path(file).resolve()
        if root in path.parents:
            with suppress(FileNotFoundError):
                path.unlink()
