"""The page in a browser, where there is one: what it shows, and that no name of a file acts."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.reports import failed, summary, tagged

from tagger.domain import Status, TrackReport
from tagger.report.records import open_records

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")

GENRES = ("Rock", "Pop", "Jazz", "Folk")
ATTACK = (
    "</script><script>window.hacked=1;alert(1)</script><img src=x onerror=alert(1)>"
    "<svg onload=alert(1)>\"'><iframe src='javascript:alert(1)'></iframe><!--"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update",
                  "--disable-sync"],
        )  # fmt: skip
        yield running
        running.close()


def until(page: Any, condition: str) -> None:
    """Wait for an expression to hold (the page's policy forbids playwright's own way)."""
    give_up = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < give_up, condition
        time.sleep(0.02)


class Opened:
    """A page with all that it complained about or asked for."""

    def __init__(self, browser: Any, path: Path, **how: Any) -> None:
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_context(**how).new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda line: self.problems.append(line.text))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        until(self.page, "performance.getEntriesByName('genretag draw').length > 0")

    def _dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def found(self) -> str:
        text: str = self.page.inner_text("#found")
        return text

    def in_first_row(self, kind: str) -> str:
        row = ".row:not([hidden])"
        nodes = self.page.query_selector_all(f"{row}[aria-rowindex='2'] .{kind}")
        return str(nodes[0].inner_text())


def write(path: Path, tracks: list[TrackReport], **more: Any) -> Path:
    records = open_records(path)
    for track in tracks:
        records.track(track)
    records.finish(summary(tracks=len(tracks), **more))
    return path


def library(n: int) -> list[TrackReport]:
    rng = np.random.default_rng(0)
    tracks = []
    for i in range(n):
        best = i % len(GENRES)
        p = rng.dirichlet(np.where(np.arange(len(GENRES)) == best, 9.0, 0.5))
        order = np.argsort(-p)
        genres = tuple((GENRES[k], float(p[k])) for k in order)
        tracks.append(
            tagged(f"/music/Álbum {i // 10}/{i:04d} Straße.mp3", genres=genres, duration_s=60.0 + i)
        )
    tracks[7] = failed(str(tracks[7].path), "damaged: the audio ends at 7 s")
    tracks[8] = failed(str(tracks[8].path), "damaged: the audio ends at 9 s")
    return tracks


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report") / "r.html", library(400))


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Opened]:
    view = Opened(browser, report, viewport={"width": 1280, "height": 900})
    yield view
    assert view.problems == []
    assert view.asked == [report.as_uri()]
    view.page.context.close()


def test_no_text_of_a_track_acts(browser, tmp_path):
    hostile = tagged(
        f"/m/{ATTACK}/{ATTACK}.mp3",
        reason=ATTACK,
        genres=((ATTACK, 0.9), ("Pop", 0.1)),
        cluster=ATTACK,
        current={"GENRE": (ATTACK,)},
        changes=(),
        outcome=ATTACK,
    )
    path = write(tmp_path / "r.html", [hostile] * 12, model=ATTACK, version=ATTACK)
    view = Opened(browser, path)
    page = view.page
    name = page.inner_text(".row .name")
    assert name == "iframe><!--.mp3"  # what stands behind the last slash
    page.click(".row")
    page.wait_for_selector("dialog[open]")
    assert ATTACK in page.inner_text("dialog")
    page.keyboard.press("Escape")
    page.fill("#search", ATTACK)
    page.wait_for_selector(".chip")
    page.locator("#map-mark").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#tip:not([hidden])")
    assert name in page.inner_text("#tip")
    for button in page.query_selector_all("#deeds button, #genres button, .heads button"):
        button.click()
    page.emulate_media(media="print")
    page.pdf()
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 2
    assert page.locator("iframe, img, main svg[onload], [onerror]").count() == 0
    assert view.problems == []
    assert view.asked == [path.as_uri()]


def test_the_map_is_printed_with_its_marks(opened):
    # Pixels that were put into a canvas do not come out; its picture would be 1 KB.
    images = [part for part in opened.page.pdf().split(b"endobj") if b"/Subtype /Image" in part]
    assert max(map(len, images)) > 10_000


def test_counts_map_and_charts_fill_the_first_sheet(browser, tmp_path):
    """Eleven genres, on letter paper, the lower of the usual two."""
    mm = 96 / 25.4
    wide, high = round((215.9 - 2 * 12) * mm), (279.4 - 2 * 14) * mm
    labels = [f"Genre {i:02}" for i in range(11)]
    tracks = []
    for i in range(44):
        ranked = labels[i % 11 :] + labels[: i % 11]
        chances = np.linspace(0.9, 0.1, 11)
        tracks.append(
            tagged(f"/m/{i}.mp3", genres=tuple(zip(ranked, chances, strict=True)),
                   cluster=f"loud and fast {i % 3}")
        )  # fmt: skip
    view = Opened(
        browser, write(tmp_path / "r.html", tracks), viewport={"width": wide, "height": 900}
    )
    view.page.emulate_media(media="print")
    bottom = "document.querySelector('.cards.charts').getBoundingClientRect().bottom + scrollY"
    assert 0.85 * high < view.page.evaluate(bottom) < high


def test_a_script_that_got_in_would_not_run(opened):
    """The policy is the second wall, should the first ever fall."""
    page = opened.page
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "window.hacked = 1"; document.body.append(script); } catch {}
          try { document.body.innerHTML += "<img src=x onerror='window.hacked = 1'>"; } catch {}
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked") is None
    assert opened.problems  # it says that it refused
    opened.problems.clear()


def test_searching_sorting_and_choosing(opened):
    page = opened.page
    assert opened.found() == "400 tracks"
    assert page.locator(".row").count() < 40
    page.fill("#search", "album 0123 STRASSE")  # without the accents that stand there
    until(page, "document.getElementById('found').textContent.startsWith('1 of')")
    page.fill("#search", "")
    until(page, "document.getElementById('found').textContent === '400 tracks'")

    page.click(".heads >> text=Length")
    assert opened.in_first_row("length") == "7:39"
    page.click(".heads >> text=Length")
    assert opened.in_first_row("track").startswith("0007")  # failed, and thus of no length
    page.click(".heads >> text=Track")
    assert page.get_attribute(".heads .track", "aria-sort") == "ascending"
    assert opened.in_first_row("track").startswith("0000")
    page.click(".heads >> text=Track")
    assert opened.in_first_row("track").startswith("0399")

    page.click("#legend >> text=Jazz")
    assert page.get_attribute("#legend [aria-pressed=true]", "class") == "key"
    jazz = int(opened.found().split()[0])
    assert 80 < jazz < 110
    page.click("#deeds >> text=damaged")  # both of them under one reason, and none is Jazz
    assert opened.found() == "0 of 400 tracks"
    page.click("#chips >> text=Jazz")
    assert opened.found() == "2 of 400 tracks"
    page.click("#chips >> text=damaged")
    assert opened.found() == "400 tracks"


def test_by_keyboard(opened):
    page = opened.page
    page.locator("#grid").focus()
    page.keyboard.press("End")
    active = page.get_attribute("#grid", "aria-activedescendant")
    assert "0399" in page.inner_text(f"#{active}")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert "0399 Straße.mp3" in page.inner_text("dialog h2")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    page.locator("#map-mark").focus()
    page.keyboard.press("ArrowLeft")
    first = page.inner_text("#tip")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#tip") != first
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")


def test_the_map_names_the_track_under_the_pointer(opened):
    page = opened.page
    page.locator("#map-mark").scroll_into_view_if_needed()
    box = page.locator("#map-mark").bounding_box()
    names = set()
    for place in range(120):
        x, y = (place % 15 + 0.5) / 15, (place // 15 + 0.5) / 8
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if page.is_visible("#tip"):
            names.add(page.inner_text("#tip b"))
    assert len(names) > 10


def on_the_map(page: Any) -> list[int]:
    """How many pixels of the map have each of its colours."""
    return page.evaluate(
        """() => {
          const map = document.getElementById("map-dots");
          const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
          const seen = new Map();
          for (let k = 0; k < data.length; k += 4) {
            const colour = (data[k] << 16) | (data[k + 1] << 8) | data[k + 2];
            seen.set(colour, (seen.get(colour) ?? 0) + 1);
          }
          return [...seen.values()];
        }"""
    )


def ink(page: Any) -> str:
    """The colour of the page, and whether the map has marks of more than two colours."""
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return f"{ground} {sum(n > 150 for n in on_the_map(page)) > 4}".lower()


def test_no_name_on_the_map_hides_the_only_mark_of_a_genre(browser, tmp_path):
    alone = [
        tagged(f"/m/{genre}.mp3", genres=((genre, 0.7), *((g, 0.1) for g in GENRES if g != genre)))
        for genre in GENRES
    ]
    view = Opened(
        browser, write(tmp_path / "r.html", alone), viewport={"width": 900, "height": 700}
    )
    whole = sum(n > 40 for n in on_the_map(view.page))
    assert whole >= len(GENRES) + 2  # and the ground, and the names
    assert view.problems == []


def test_what_was_not_heard_has_no_bar_and_says_what_it_is(browser, tmp_path):
    path = write(tmp_path / "r.html", [failed(), tagged()])
    for width in (1280, 390):
        page = Opened(browser, path, viewport={"width": width, "height": 800}).page
        bars = page.locator(".row:not([hidden]) .sure i")
        assert [bars.nth(i).is_visible() for i in range(2)] == [False, True]
        assert "failed" in page.locator(".row:not([hidden])").first.inner_text()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_dry_run_says_what_would_happen(browser, tmp_path, dry_run):
    path = write(tmp_path / "r.html", [tagged()], dry_run=dry_run)
    page = Opened(browser, path, viewport={"width": 1280, "height": 900}).page
    said = "What would happen" if dry_run else "What happened"
    head = page.locator(".heads .deed-cell button")
    assert page.inner_text("#deeds-head") == head.inner_text() == said
    head.click()  # an arrow goes behind it
    assert head.evaluate("node => node.scrollWidth <= node.clientWidth")
    page.click(".row")
    assert said in page.inner_text("dialog")


def test_light_and_dark(browser, report):
    for scheme, other in (("light", "Dark"), ("dark", "Light")):
        view = Opened(browser, report, color_scheme=scheme)
        colours = {"light": "rgb(245, 246, 248) true", "dark": "rgb(14, 17, 22) true"}
        assert ink(view.page) == colours[scheme]
        view.page.click(f"#theme >> text={other}")
        view.page.wait_for_timeout(100)
        assert ink(view.page) == colours[other.lower()]
        assert view.problems == []


def test_on_a_phone_nothing_is_wider_than_it(browser, tmp_path):
    long = tagged("/music/" + "x" * 200 + "/" + "Donaudampfschiff" * 12 + ".mp3",
                  genres=(("Very-long-genre-name-" * 4, 1.0),), cluster="y" * 90,
                  reason="z" * 300)  # fmt: skip
    path = write(tmp_path / "r.html", [long, *library(40)], model="m" * 120)
    view = Opened(browser, path, viewport={"width": 360, "height": 740}, has_touch=True,
                  is_mobile=True)  # fmt: skip
    page = view.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".row").first.tap()
    page.wait_for_selector("dialog[open]")
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert view.problems == []


@pytest.mark.parametrize(
    ("tracks", "more", "shown"),
    [
        ([], {}, "no audio files were found"),
        ([], {"interrupted": True}, "Nothing yet"),
        ([failed()], {}, "the file is empty"),
        ([tagged(cluster=None)], {"left": 3}, "3 tracks left"),
    ],
    ids=["nothing", "stopped at once", "only failures", "one, and a time limit"],
)
def test_runs_with_little_to_show(browser, tmp_path, tracks, more, shown):
    path = write(tmp_path / "r.html", tracks, **more)
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    until(page, "performance.getEntriesByName('genretag start').length > 0")
    assert shown in page.inner_text("body")
    assert page.is_visible("#map-card") == bool(tracks and tracks[0].status is not Status.FAILED)
    assert problems == []
