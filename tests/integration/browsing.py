"""A page in a real browser, with what it asked for and complained of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

PATIENCE_MS = 240_000
"""A busy machine is no failure."""
SIZES = {"wide": (1400, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


class Opened:
    """A page that is open."""

    def __init__(self, browser: Any, file: Path, size: str = "wide", *, fragment: str = "", **options: Any) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri() + fragment)
        if options.get("java_script_enabled", True):
            self.page.wait_for_selector("body[data-ready]")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def column(self, source: str, column: str) -> list[Any]:
        """A column of what a chart is drawn from."""
        found: list[Any] = self.page.evaluate(
            "([source, name]) => Array.from(Bokeh.documents[0].get_model_by_name(source).data[name] ?? [])",
            [source, column],
        )
        return found

    def check_quiet(self) -> None:
        """Nothing complained, and nobody was asked for anything."""
        assert self.complaints == []
        assert [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))] == []

    def check_accessible(self) -> None:
        """axe-core finds nothing serious."""
        found = Axe().run(self.page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        assert json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in serious]) == "[]"
