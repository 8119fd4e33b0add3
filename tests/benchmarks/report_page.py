"""What ``scan --report out.html`` costs: ``python tests/benchmarks/report_page.py``.

A report of made-up tracks is written, by half and by whole, to see that the memory it takes does
not grow with them. Then the page is opened in headless Chromium without a graphics card, and
searched, sorted, filtered, and pointed at, each several times; shown are medians in ms as the page
itself takes them (``performance.now``), once to the end of the work and once to the next frame.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tagger.domain import RunSummary, Status, TagChange, TrackReport
from tagger.report.records import open_records

GENRES = ("Blues", "Classical", "Country", "Disco", "Electronic", "Hip-Hop", "Jazz", "Metal",
          "Pop", "Reggae", "Rock")  # fmt: skip
TYPES = ("mellow and melodic", "rhythmic and bright", "energetic and percussive")
WORDS = ("Night", "Rain", "Río", "Straße", "Blue", "Ocean", "Señor", "Tren", "Fuego", "Winter")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync")  # fmt: skip

TIMED = """async (work) => {
  const start = performance.now();
  eval(work)();
  const done = performance.now() - start;
  await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
  return [done, performance.now() - start];
}"""


def tracks(n: int) -> Iterator[TrackReport]:
    """Made-up tracks: 12 an album, 3 albums an artist, one in 100 failed."""
    rng = np.random.default_rng(0)
    for i in range(n):
        album = i // 12
        name = f"{i % 12 + 1:02d} {' '.join(rng.choice(WORDS, 3))} {i}.mp3"
        path = Path(f"/music/Artist {album // 3:05d}/Album {album % 3}") / name
        if i % 100 == 99:
            yield TrackReport(path, Status.FAILED, f"damaged: the audio ends at {i % 60} s")
            continue
        taste = np.full(len(GENRES), 0.3)
        taste[(album * 7) % len(GENRES)] = 4.0
        p = rng.dirichlet(taste)
        order = np.argsort(-p)
        best = GENRES[order[0]]
        yield TrackReport(
            path,
            Status.TAGGED,
            f"genre {best} {p[order[0]]:.2f}",
            tuple((GENRES[k], float(p[k])) for k in order),
            TYPES[int(order[0]) % len(TYPES)],
            {"GENRE": ("Other",)},
            (TagChange("GENRE", ("Other",), (best,)),),
            "genre written",
            float(rng.integers(120, 500)),
            30.0,
        )


def write(path: Path, n: int) -> None:
    """Write the report, and print the seconds and the peak of memory in MB."""
    made = list(tracks(1000))  # so that what they import and allocate is not counted
    del made
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    records = open_records(path)
    start = time.process_time()
    for track in tracks(n):
        records.track(track)
    made_s = time.process_time()
    records.finish(
        RunSummary(n, {}, n, {}, {}, {}, {}, 3600.0, n * 300.0, False, False, "made up", "0")
    )
    end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(made_s - start, end - made_s, before / 1024, peak / 1024)


def timed(page: Page, work: str, times: int) -> tuple[float, float]:
    """Medians in ms of a piece of JavaScript that is written as a function of no argument."""
    figures = [page.evaluate(TIMED, work) for _ in range(times)]
    return statistics.median(f[0] for f in figures), statistics.median(f[1] for f in figures)


def opened(page: Page, path: Path) -> dict[str, Any]:
    """Open the page; when it was ready in ms, and its own measures of that."""
    page.goto(path.as_uri())
    page.wait_for_timeout(1500)
    return page.evaluate(
        """() => ({
          ready: performance.getEntriesByName("genretag start")[0].startTime
            + performance.getEntriesByName("genretag start")[0].duration,
          read: performance.getEntriesByName("genretag read")[0].duration,
          start: performance.getEntriesByName("genretag start")[0].duration,
          draw: performance.getEntriesByName("genretag draw").at(-1).duration,
          heap: performance.memory.usedJSHeapSize / 2 ** 20,
          nodes: document.getElementsByTagName("*").length,
        })"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.tracks)
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "report.html"
        for n in (options.tracks // 2, options.tracks):
            done = subprocess.run(
                [sys.executable, __file__, "--write", path, "--tracks", str(n)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            taken, finished, before, peak = map(float, done.stdout.split())
            print(f"{n:,} tracks: {taken:.1f} s to make and take, {finished:.1f} s to finish; "
                  f"{peak:.0f} MB at the peak, {before:.0f} MB before; "
                  f"file {path.stat().st_size / 1e6:.2f} MB")  # fmt: skip
        browser = driver.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
        view = {"width": 1280, "height": 900}
        page = browser.new_context(viewport=view, bypass_csp=True).new_page()  # for eval
        figures = [opened(page, path) for _ in range(options.times)]
        for key in figures[0]:
            print(f"{key:<28} {statistics.median(f[key] for f in figures):8.1f}")
        page.evaluate(
            """() => { window.find = (text) => {
                 const box = document.getElementById("search");
                 box.value = text;
                 box.dispatchEvent(new Event("input"));
               }; }"""
        )
        for text in ("night", "artist 00412", "strasse 49", ""):
            page.evaluate("performance.clearMeasures()")
            page.evaluate("(text) => find(text)", text)
            page.wait_for_timeout(1200)
            spent = page.evaluate(
                """() => Object.fromEntries(performance.getEntriesByType("measure")
                     .map((m) => [m.name.slice(9), m.duration]))"""
            )
            words = ", ".join(f"{name} {ms:.1f}" for name, ms in spent.items())
            found = page.inner_text("#found")
            print(f"search {text!r:<21} {words}; {found}")
        heads = page.locator(".heads button").all_inner_texts()
        for k, head in enumerate(heads):
            click = f"() => document.querySelectorAll('.heads button')[{k}].click()"
            figures_ms = [page.evaluate(TIMED, click) for _ in range(3)]
            first, again = figures_ms[0], figures_ms[1]
            print(f"sort by {head:<20} {first[0]:8.1f} done {first[1]:8.1f} seen; "
                  f"the other way {again[0]:.1f}")  # fmt: skip
        for name, work in {
            "filter by a genre": "() => document.querySelector('.key').click()",
            "scroll the table": "() => { const s = document.querySelector('.scroller');"
            " s.scrollTop = (s.scrollTop + 777777) % s.scrollHeight; }",
            "zoom the map": "() => document.getElementById('zoom-in').click()",
            "point at the map": "() => document.getElementById('map-mark').dispatchEvent("
            "new PointerEvent('pointermove', { clientX: 300 + 300 * Math.random(),"
            " clientY: 500, pointerType: 'mouse' }))",
        }.items():
            done_ms, seen_ms = timed(page, work, options.times)
            print(f"{name:<28} {done_ms:8.1f} done {seen_ms:8.1f} seen")
        browser.close()


if __name__ == "__main__":
    main()
