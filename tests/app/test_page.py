"""The page itself: through Gradio's own client, and in a browser where there is one."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import synth

if find_spec("gradio") is None:  # not imported here: the page sets its surroundings first
    pytest.skip("no Gradio", allow_module_level=True)
pytest.importorskip("matplotlib")

from tagger.app.serve import HOST, serving
from tagger.errors import UsageError

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def called() -> list[str]:
    """Hosts that this process has connected to or asked the address of, from now on."""
    hosts: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.getaddrinfo":
            hosts.append(str(arguments[0]))
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            hosts.append(str(arguments[1][0]))

    sys.addaudithook(hook)
    return hosts


@pytest.fixture(scope="module")
def address(called: list[str], temporary: Path) -> Iterator[str]:
    with serving("default", (), free_port()) as address:
        yield address
    assert list(temporary.glob("genretag-app-*")) == []


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y = synth.song(16.0, 44_100)
    return synth.write(tmp_path_factory.mktemp("song") / "my song.mp3", y, 44_100)


def files_of(temporary: Path, *suffixes: str) -> list[str]:
    (folder,) = temporary.glob("genretag-app-*")
    return sorted(p.name for p in folder.rglob("*") if p.suffix in suffixes)


def status(address: str, path: str, host: str | None = None) -> int:
    request = urllib.request.Request(address + path)
    if host:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_only_this_machine_is_served(address: str) -> None:
    assert status(address, "/") == 200
    assert status(address, "/", host="elsewhere.example") == 400
    _, _, port = address.rpartition(":")
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for other in others - {HOST, "127.0.1.1", "::1"}:
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((other, int(port)), timeout=2)


@pytest.mark.parametrize("path", ["/etc/passwd", str(Path(__file__).resolve())])
def test_no_other_file_is_served(address: str, path: str) -> None:
    assert status(address, f"/gradio_api/file={path}") in (403, 404)


def test_a_taken_port_is_one_line(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with (
        pytest.raises(UsageError, match=f"--port {port}: cannot be used"),
        serving("default", (), port),
    ):
        pass


def test_the_server_calls_nobody(called: list[str], address: str, song: Path) -> None:
    client = pytest.importorskip("gradio_client")
    called.clear()
    with serving("default", (), free_port()) as other:
        page = client.Client(other, verbose=False, download_files=False)
        page.predict(client.handle_file(song), 1000, False, api_name="/hear")
    assert called
    assert set(called) <= {HOST, "localhost"}


def test_an_upload_is_answered_and_removed(address: str, song: Path, temporary: Path) -> None:
    client = pytest.importorskip("gradio_client")
    page = client.Client(address, verbose=False, download_files=False)
    genres, facts, picture, neighbours = page.predict(
        client.handle_file(song), 1000, False, api_name="/hear"
    )
    assert genres["label"]
    assert "0:16 long" in facts
    assert "No other track is known yet" in neighbours
    assert picture is not None
    assert "my_song.mp3" in "".join(files_of(temporary, ".mp3")).replace(" ", "_")
    genres, facts, picture, neighbours = page.predict(None, 1000, False, api_name="/hear")
    assert (facts, picture, neighbours) == ("", None, "")
    assert files_of(temporary, ".mp3") == []


def test_what_is_no_music_file_is_told_in_words(
    address: str, tmp_path: Path, temporary: Path
) -> None:
    client = pytest.importorskip("gradio_client")
    text = tmp_path / "text.wav"
    text.write_text("no music" * 500)
    page = client.Client(address, verbose=False, download_files=False)
    _, facts, picture, _ = page.predict(client.handle_file(text), 1000, False, api_name="/hear")
    assert "text.wav: " in facts
    assert "Traceback" not in facts
    assert picture is None
    assert files_of(temporary, ".wav") == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light, wide", "dark, narrow"])
def test_in_a_browser(
    address: str, song: Path, temporary: Path, tmp_path: Path, dark: bool
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update",
                  "--disable-sync"],
            viewport={"width": 400 if dark else 1280, "height": 900},
            color_scheme="dark" if dark else "light",
        )  # fmt: skip
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, wait_until="domcontentloaded")
        page.wait_for_selector("#track input[type=file]", state="attached")
        page.set_input_files("#track input[type=file]", song)
        page.wait_for_selector("#picture img")
        assert "0:16 long" in page.inner_text("#facts")
        assert "No other track is known yet" in page.inner_text("#neighbours")
        wide = page.evaluate("document.querySelector('#picture img').naturalWidth")
        assert 380 < wide < 480 if dark else wide > 1100
        # Nothing is wider than the window.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert errors == []
    assert [u for u in asked if not u.startswith((address, "data:", "blob:"))] == []
    give_up = time.monotonic() + 10
    while files_of(temporary, ".mp3", ".png") and time.monotonic() < give_up:
        time.sleep(0.1)
    assert files_of(temporary, ".mp3", ".png") == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_longest_name_leaves_similar_tracks_as_wide_as_the_page(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    from tagger.app.page import CSS

    row = "<tr><td>0.55</td><td>{}<small>both Rock</small></td><td>Rock <span>68 %</span></td></tr>"
    rows = "".join(row.format(name) for name in ("x" * 250, "short"))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=CHROMIUM, headless=True,
            args=["--no-sandbox", "--disable-gpu"], viewport={"width": 390, "height": 800},
        )  # fmt: skip
        page = browser.new_page()
        page.set_content(f"<style>{CSS}</style><div class=neighbours><table>{rows}</table></div>")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        heights = "[...document.querySelectorAll('td:last-child')].map((td) => td.offsetHeight)"
        long, short = page.evaluate(heights)
        assert long > 3 * short
        browser.close()
