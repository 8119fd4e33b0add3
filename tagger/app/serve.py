"""Start the page's server on this machine alone, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tagger.errors import UsageError

__all__ = ["HOST", "serve", "serving"]

HOST: Final = "127.0.0.1"

_OFFLINE: Final = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


@contextmanager
def serving(model: str, within: tuple[Path, ...], port: int) -> Iterator[str]:
    """Serve the page while the context lasts; gives its address.

    Raises:
        UsageError: the port is taken, or the configuration is wrong.
        ModelError: the model cannot be used.
        ImportError: the extra ``app`` is not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="genretag-app-"))  # for its owner alone
    # Read when Gradio is imported, or a page is made: where uploads go, and that nobody is
    # told of them.
    wanted = {**_OFFLINE, "GRADIO_TEMP_DIR": str(folder)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        from tagger.app.answer import MAX_BYTES, Answerer
        from tagger.app.page import CSS, build_page, theme

        page = build_page(Answerer(model, within), folder)
        try:
            page.queue(max_size=16, default_concurrency_limit=1).launch(
                server_name=HOST,
                server_port=port,
                share=False,
                inbrowser=False,
                quiet=True,
                prevent_thread_lock=True,
                show_error=True,
                max_file_size=MAX_BYTES,
                allowed_paths=[],
                ssr_mode=False,
                enable_monitoring=False,
                mcp_server=False,
                pwa=False,
                footer_links=[],
                theme=theme(),
                css=CSS,
                # A page of another site whose name was made to lead here is turned away.
                app_kwargs={
                    "middleware": [
                        Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
                    ]
                },
            )
        except OSError as error:
            raise UsageError(
                f"--port {port}: cannot be used; another program may have it"
            ) from error
        try:
            yield f"http://{HOST}:{port}"
        finally:
            page.close(verbose=False)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def serve(model: str, within: tuple[Path, ...], port: int, started: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted.

    Args:
        model: name or folder.
        within: where similar tracks are looked for.
        port: to listen on.
        started: told the address.

    Raises:
        KeyboardInterrupt: it is.
    """
    with serving(model, within, port) as address:
        started(address)
        threading.Event().wait()
