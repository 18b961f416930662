"""Names in figures: they come from outside, and have room for so much."""

from __future__ import annotations

import warnings
from functools import lru_cache

from genie_cli.jobs import Method

_LONGEST = 100  # characters that are looked at: no more fit
_PROSE = {Method.GENIE: "GeNIe", Method.IMG2IMG: "Img2Img", Method.TXT2IMG: "Txt2Img"}


def kind_name(method: str, r: float) -> str:
    """A method with its noise ratio: "GeNIe, r = 0.8"."""
    prose = _PROSE[Method(method)]
    return prose if method == Method.TXT2IMG else f"{prose}, r = {r:g}"


@lru_cache(1000)
def fitted(name: str, inches: float, size: float = 8) -> str:
    """The name on one line, without characters that do not print, shortened until it is no wider than ``inches``."""
    name = " ".join(_words(name))
    if name.startswith("_"):  # which matplotlib leaves out of legends
        name = f" {name}"
    if _width(name, size) <= inches:
        return name
    while name and _width(name + "…", size) > inches:
        name = name[:-1]
    return name.rstrip() + "…"


def wrapped(name: str, inches: float, most: int) -> str:
    """The name on up to ``most`` lines, parted between words, each shortened as by `fitted`."""
    words, lines = _words(name), list[str]()
    while words and len(lines) < most - 1:
        count = 1
        while count < len(words) and fitted(line := " ".join(words[: count + 1]), inches) == line:
            count += 1
        lines.append(" ".join(words[:count]))
        words = words[count:]
    rest = [" ".join(words)] if words else []
    return "\n".join(fitted(line, inches) for line in [*lines, *rest])


def _words(name: str) -> list[str]:
    return "".join(each if each.isprintable() else " " for each in name[:_LONGEST]).split()


def _width(text: str, size: float) -> float:
    """Inches."""
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font does not have
        return float(TextPath((0, 0), text, size=size).get_extents().width) / 72
