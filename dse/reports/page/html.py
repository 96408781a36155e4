"""One self-contained file of a template, its data as JSON and Bokeh's library: how every page of dse is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse.errors import MachineError

_SHARED = Path(__file__).parent


def check_libraries() -> None:
    """Raise MachineError where what draws is not installed."""
    try:
        import bokeh  # noqa: F401  # an extra: 0.4 s, and 32 MB that a board does not need
        import jinja2  # noqa: F401
    except ModuleNotFoundError as error:
        raise MachineError(f"{error.name} is not installed", hint="pip install 'dse[report]'") from error


def render(
    template: str,
    document: Mapping[str, Any],
    charts: Mapping[str, Any],
    *,
    code: Sequence[str],
    components: Sequence[str],
    folder: Path = _SHARED,
    **names: Any,
) -> str:
    """The page as HTML: ``template`` and its own ``code`` lie in ``folder``, the rest is that of all pages.

    ``components`` are the parts of Bokeh that the ``charts`` need; all but the first come with the second chart.
    """
    import jinja2
    from bokeh.resources import Resources

    library = Resources(mode="inline", minified=True, log_level="error", components=list(components))
    parts = library.js_raw
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _SHARED]), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    safe: Any = jinja2.utils.markupsafe.Markup
    scripts = [_SHARED / "metrics.js", _SHARED / "charts.js", *(folder / name for name in code)]
    page: str = environment.get_template(template).render(
        document=document,
        embedded=safe(_json(document)),
        charts=safe(_json(charts)),
        library=[safe(part) for part in (*parts[:1], *parts[len(components) :])],
        later=[safe(part) for part in parts[1 : len(components)]],
        style=safe((_SHARED / "page.css").read_text(encoding="utf-8")),
        code=[safe(path.read_text(encoding="utf-8")) for path in scripts],
        **names,
    )
    return page


def _json(document: Mapping[str, Any]) -> str:
    """JSON that ends no element of HTML."""
    written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
