"""The files of figures: PNG, SVG and PDF that say that genie drew them, and that have the same bytes each time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.errors import UsageError
from genie_cli.files.drawn import png_is_by, require_replaceable
from genie_cli.files.writing import write_atomically
from genie_cli.gallery.plots.kind import SUFFIXES
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MADE_BY = "genie gallery"  # in the metadata of a figure of ours
_DPI = 300
_STYLE: Mapping[str, Any] = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "text.parse_math": False,  # the name of a class may have dollar signs
    "svg.hashsalt": _MADE_BY,  # or names within the file are drawn at random
    "pdf.fonttype": 42,  # as text that can be searched, which publishers ask for
}
_METADATA: Mapping[str, dict[str, str | None]] = {
    ".png": {"Software": _MADE_BY},
    ".svg": {"Creator": _MADE_BY, "Date": None},
    ".pdf": {"Creator": _MADE_BY, "CreationDate": None},
}
# How the metadata are written by matplotlib.
_SVG_MARK = re.compile(rf"<dc:creator>\s*<cc:Agent>\s*<dc:title>{_MADE_BY}</dc:title>".encode())
_PDF_MARK = f"/Creator ({_MADE_BY})".encode()


def require_writable(path: Path) -> None:
    """Check that a figure may be written there; it replaces one that genie drew, and no other file.

    Raises:
        UsageError: the name ends in none of `SUFFIXES`.
        OutputError: the folder is missing, or there is another file or one that cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"--out: {path} is no name for a figure", f"its name must end in {' or '.join(SUFFIXES)}")
    require_replaceable(path, lambda data: _is_ours(data, suffix), "a figure", "choose another --out")


@contextmanager
def styled() -> Iterator[None]:
    """While it is open, figures are made in our style, whatever a person's settings of matplotlib are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in _STYLE.items():
            mpl.rcParams[name] = value  # type: ignore[index]  # not all versions know names as literals
        yield


def save(figure: Figure, path: Path, observer: Observer) -> None:
    """Write a figure by the suffix of its name, atomically, within `styled`.

    Raises:
        OutputError: see `require_writable`.
    """
    require_writable(path)
    suffix, data = path.suffix.lower(), BytesIO()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        figure.savefig(data, format=suffix[1:], dpi=_DPI, metadata=_METADATA[suffix])
    if any("missing from" in str(each.message) for each in found):
        observer.warning("a name has characters that the font of the figure does not have: they are drawn as boxes")
    write_atomically(path, data.getvalue())


def _is_ours(data: bytes, suffix: str) -> bool:
    if suffix == ".svg":
        return _SVG_MARK.search(data) is not None
    if suffix == ".pdf":
        return data.startswith(b"%PDF") and _PDF_MARK in data
    return png_is_by(data, _MADE_BY)
