"""What the page's figures show, as data: numbers that are finite, and texts that are untrusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.confuse.confusion import Confusion
from genie_cli.gallery.figures import embedding, map_data, matrix, probabilities, ratios, results
from genie_cli.gallery.items import Contents
from genie_cli.manifest import Status
from genie_cli.observer import Observer


@dataclass(frozen=True)
class Asked:
    """What figures are wanted of, besides the manifest.

    Attributes:
        confusion: a matrix to show.
        results: folders of results of genie fewshot, finegrained or longtail.
        backbone: the network of the map; None: the bundled one for images of the bundled model, else no map.
        checkpoint: a file with its weights; None: its own.
        device: where it runs; see `devices.choose_device`.
    """

    confusion: Confusion | None = None
    results: Sequence[Path] = ()
    backbone: str | None = None
    checkpoint: Path | None = None
    device: str = "auto"


def collect(contents: Contents, asked: Asked, observer: Observer) -> dict[str, Any]:
    """The data of all figures for which there is something to show, by name.

    Raises:
        UsageError: a folder has no results, or there is no such backbone; or a checkpoint without a backbone.
        ManifestError: a file of results has a bad line.
        ModelError: see `backbones.load.load`.
    """
    rows = [item.row for item in contents.items]
    found = {
        "results": [results.data(folder) for folder in asked.results],  # first: what is typed may be wrong
        "ratios": ratios.data(rows),
        "trajectories": probabilities.trajectories(rows),
        "densities": probabilities.densities(rows),
        "confusion": matrix.data(asked.confusion, rows) if asked.confusion else {},
        "map": _map(contents, asked, observer),
    }
    return {name: each for name, each in found.items() if each}


def _map(contents: Contents, asked: Asked, observer: Observer) -> dict[str, Any]:
    backbone = embedding.backbone_for(contents, asked.backbone, asked.checkpoint)
    if not any(item.row.status is Status.MADE for item in contents.items):
        return {}
    if backbone is None:
        return {"missing": embedding.HOW}
    embedded = embedding.embed(contents, backbone, asked.checkpoint, asked.device, observer)
    if embedded is None:
        return {}
    with observer.progress("Arranging the map"):
        return map_data.data(embedded)
