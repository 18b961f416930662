"""The paper's Figure 4 for the digits, with its figures: `python -m benchmarks.paper.figure4`.

Left: real support images, and what each method made of them or for them, in the features of a backbone, by PCA and by
UMAP. Right: the oracle's probabilities of the source's and of the target's class over r. Needs the extra `plots`, and
the stages `primary`, `table` and `ratios` of the benchmark.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.paper.clouds import METHODS, RATIOS, REAL, clouds, probabilities
from benchmarks.paper.plan import BACKBONES
from benchmarks.paper.report import label_of
from genie_cli.data.digits import NOVEL_CLASSES
from genie_cli.evaluate.results import comma_separated
from genie_cli.gallery.figures.clouds import Cloud, Place, places
from genie_cli.gallery.figures.projections import pca, umap
from genie_cli.gallery.plots.scatter import marks, scatter

_LOOK = marks(NOVEL_CLASSES)
_PER_CLASS = 80  # images of each class and method that are drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/paper"), help="folder of the benchmark")
    parser.add_argument("--tables", type=Path, default=Path("docs/results"), help="folder of the CSV file and pictures")
    parser.add_argument("--pool", type=int, default=1)
    options = parser.parse_args()
    rows: list[Place] = []
    for backbone in BACKBONES:
        found = clouds(options.out, options.pool, backbone)
        kinds = dict.fromkeys(kind for kind in (*METHODS, *RATIOS) if kind in found)
        rows += places(found[REAL], [found[kind] for kind in kinds], backbone)
        draw_clouds(found, backbone, options.tables / f"figure4-{backbone}.png")
    draw_probabilities(probabilities(options.out, options.pool), options.tables / "figure4-oracle.png")
    (options.tables / "figure4.csv").write_text(comma_separated(Place, rows))
    for row in rows:
        print(asdict(row))


def draw_clouds(found: dict[str, Cloud], backbone: str, path: Path) -> None:
    """One column per method, with the real images in each; PCA above, UMAP below."""
    from matplotlib import pyplot

    kinds = [kind for kind in METHODS if kind in found]
    drawn = {kind: _some(found[kind]) for kind in (REAL, *kinds)}
    every = np.concatenate([cloud.features for cloud in drawn.values()])
    maps = {each.name: each.places for each in (pca(every), umap(every))}
    figure, axes = pyplot.subplots(2, len(kinds), figsize=(3 * len(kinds), 6.4), squeeze=False, layout="constrained")
    starts = np.cumsum([0, *(len(cloud.features) for cloud in drawn.values())])
    spans = {kind: slice(*span) for kind, span in zip(drawn, pairwise(starts), strict=True)}
    for row, (name, flat) in zip(axes, maps.items(), strict=True):
        for axis, kind in zip(row, kinds, strict=True):
            made, real = ((flat[spans[each]], drawn[each].targets) for each in (kind, REAL))
            scatter(axis, made, real, _LOOK)
            axis.set(title=label_of(kind) if name == "PCA" else "")
        row[0].set_ylabel(name)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    figure.suptitle(f"{backbone}: real support images (outlined) and generated images, by the class they are made for")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_probabilities(found: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], path: Path) -> None:
    """Densities of the oracle's probabilities of source and target, one column per r."""
    from matplotlib import pyplot

    size = 2.4 * len(found), 2.6
    figure, axes = pyplot.subplots(1, len(found), figsize=size, sharey=True, squeeze=False, layout="constrained")
    bins = np.linspace(0, 1, 21)
    for axis, kind in zip(axes[0], found, strict=True):
        for values, color, name in zip(found[kind], ("#d55e00", "#0072b2"), ("source", "target"), strict=True):
            axis.hist(values, bins, weights=np.full(len(values), 1 / len(values)), color=color, alpha=0.6, label=name)
        axis.set(title=label_of(kind), xlabel="probability", ylim=(0, 1))
    axes[0, 0].set_ylabel("share of the images")
    axes[0, 0].legend(frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _some(cloud: Cloud) -> Cloud:
    """A part of the images, the same number of each class, at random."""
    rng = np.random.default_rng(0)
    own = [rng.permutation(np.flatnonzero(cloud.targets == label))[:_PER_CLASS] for label in NOVEL_CLASSES]
    chosen = np.concatenate(own)
    return Cloud(cloud.kind, cloud.features[chosen], cloud.targets[chosen], cloud.sources[chosen])


if __name__ == "__main__":
    main()
