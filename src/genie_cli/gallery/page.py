"""The page itself: a document that loads its parts by tags, so that it works where it may ask for nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genie_cli import __version__
from genie_cli.gallery.columns import summary
from genie_cli.gallery.items import Contents

_HERE = Path(__file__).parent
_TEMPLATE = "index.html.jinja"
# In the order in which they are loaded.
FIGURE_SCRIPTS = (
    "figures.js",
    "figure-points.js",
    "figure-ratios.js",
    "figure-matrix.js",
    "figure-map.js",
    "figure-probabilities.js",
    "figure-results.js",
)
_SCRIPTS = (
    "data.js",
    "address.js",
    "filter.js",
    "dom.js",
    "pictures.js",
    "chosen.js",
    "copy.js",
    "detail.js",
    "viewport.js",
    "tiles.js",
    "sweeps.js",
    "controls.js",
    "keys.js",
    *FIGURE_SCRIPTS,
)
FIGURE_STYLE = "figures.css"
_STYLES = ("gallery.css", FIGURE_STYLE)
_FIRST, _LAST = "theme.js", "main.js"


def render(contents: Contents) -> bytes:
    """The document for a manifest."""
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(_HERE / "static"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(_TEMPLATE).render(
        name=contents.name,
        short="/".join(Path(contents.name).parts[-2:]),
        summary=", ".join(summary(contents)),
        version=__version__,
        first=_FIRST,
        scripts=_SCRIPTS,
        last=_LAST,
        styles=_STYLES,
    )
    return text.encode("utf-8", "replace")


def static_files() -> list[Path]:
    """The scripts and styles, which are the same for all galleries."""
    return sorted(path for path in (_HERE / "static").iterdir() if path.suffix in (".js", ".css"))
