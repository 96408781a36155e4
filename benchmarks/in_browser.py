"""How soon a page shows in Chromium and reacts there, by the browser's own clock and the tab's processor."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)))"
_PATIENCE_MS = 240_000


def look(page: Path, acts: Mapping[str, str], *, times: int = 3) -> None:
    """Open the page in Chromium so many ``times``, and print the least that it took to show and to react each time.

    Seconds are counted from the start of loading until all is drawn; then from each act, a function of JavaScript,
    until the next frame is.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium here: not looked at")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = [_once(browser, page, acts) for _ in range(times)]
        browser.close()
    for what in found[0]:
        drawn_s, used_s = (min(each[what][place] for each in found) for place in (0, 1))
        print(f"{what}: drawn after {drawn_s:.2f} s; the tab used {used_s:.2f} s of a processor")


def _once(browser: Any, page: Path, acts: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Seconds of the clock and of the processor for opening, and for each act."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(_PATIENCE_MS)
    opened.goto(page.as_uri())
    opened.wait_for_function("document.body?.dataset.ready")  # a selector is asked for again at every frame, slowly
    cdp = context.new_cdp_session(opened)
    cdp.send("Performance.enable")

    def used_s() -> float:
        metrics = cdp.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime"))

    found = {"all": (float(opened.evaluate(_DRAWN)) / 1000, used_s())}
    for what, act in acts.items():
        timed = f"async () => {{ const from = performance.now(); ({act})(); return (await ({_DRAWN})()) - from; }}"
        before_s = used_s()
        found[what] = float(opened.evaluate(timed)) / 1000, used_s() - before_s
    context.close()
    return found
