"""Which figures can be drawn for a paper. Light, since the command line's help imports it."""

from __future__ import annotations

from enum import StrEnum

from genie_cli.errors import UsageError, did_you_mean


class Kind(StrEnum):
    """What can follow ``--figure``."""

    GRID = "grid"  # sources and what they become under each target, at one r: the paper's Figure 1
    MAP = "map"  # real and generated images in a backbone's features, by method and r: Figure 4
    SWEEP = "sweep"  # sources and what they become under one target over r: Figures 2 and 3


SUFFIXES = (".png", ".svg", ".pdf")


def kind_named(name: str) -> Kind:
    """The kind of this name; UsageError if there is none."""
    try:
        return Kind(name)
    except ValueError:
        raise UsageError(f"--figure {name}: expected {', '.join(Kind)}{did_you_mean(name, list(Kind))}") from None
