"""What each difference from the authors' code changes: `python -m benchmarks.paper.authors`.

Each is switched on alone, on the episodes and images of the stages `table` and `mixed`; the stage `authors` has all at
once, with prompts and 16 queries. (The digits are not flipped, so that vertical flips change nothing here.)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.paper.outcomes import Pools
from benchmarks.paper.plan import BACKBONES, EPISODES, FEW_POOLS, PLAIN, folder
from benchmarks.paper.tables import Difference, write_table
from genie_cli.config import Settings
from genie_cli.fewshot.compare import difference
from genie_cli.fewshot.options import FewShotOptions
from genie_cli.fewshot.prepare import prepare
from genie_cli.fewshot.task import FEWSHOT, Protocol
from genie_cli.observer import Observer

_PAPER = FEWSHOT.protocol
# The protocol, and the augmentations that it concerns.
VARIANTS: dict[str, tuple[Protocol, tuple[str, ...]]] = {
    "generated-images-cropped": (replace(_PAPER, crop_generated=True), ("img2img-l", "img2img-h", "txt2img", "genie")),
    "mixed-by-beta-0.8": (replace(_PAPER, mix_alpha=0.8), ("cutmix", "mixup")),
    "mixed-beside-weak": (replace(_PAPER, mixed_beside_crops=True), ("cutmix", "mixup")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/paper"), help="folder of the benchmark")
    parser.add_argument("--tables", type=Path, default=Path("docs/results"), help="folder of the CSV file")
    options = parser.parse_args()
    for name in VARIANTS:
        for pool in FEW_POOLS:
            for backbone in BACKBONES:
                run(options.out, name, pool, backbone)
    write_table(options.tables / "authors-singly.csv", Difference, list(sizes(options.out)))


def run(root: Path, name: str, pool: int, backbone: str) -> None:
    """Evaluate one variant on one pool; what has been evaluated is not evaluated again."""
    protocol, augment = VARIANTS[name]
    settings = Settings.model_validate(
        {"data": {"pool": pool}, "generate": {"seed": pool}, "fewshot": {"episodes": EPISODES}}
    )
    images = str(root / folder(PLAIN, pool) / "images")
    asked = FewShotOptions(
        dataset=PLAIN,
        out=root / folder(name, pool, backbone),
        augment=augment,
        manifests=(images,) if "genie" in augment else (),
        backbone=backbone,
    )
    replace(prepare(FEWSHOT, asked, settings, frozenset(), Observer()), protocol=protocol).evaluate()


def sizes(root: Path) -> Iterator[Difference]:
    """The accuracy with each variant less that with the paper's protocol, on the same episodes."""
    for name in VARIANTS:
        for backbone in BACKBONES:
            for shots in (1, 5):
                ours, theirs = (Pools.read(root, each, PLAIN, FEW_POOLS, backbone, shots) for each in (PLAIN, name))
                for label in [label for label in theirs.labels if label in ours.labels]:
                    pairs = zip(theirs.pools, ours.pools, strict=True)
                    lists = [(a.listed, a.predicted(label) or (), b.predicted(label) or ()) for a, b in pairs]
                    found = difference(lists, ours.original_of)
                    yield Difference.of(name, backbone, shots, ours, label, "as in the paper", found)


if __name__ == "__main__":
    main()
