"""Near-duplicates: images that are more alike than different real images of one class are.

How alike is told by a backbone's features, and how much is too much by the real images themselves: the distance below
which only one in twenty of them has a different image of its class. So no number has to be chosen for each backbone
and data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from genie_cli.data.images import read
from genie_cli.errors import ImageError, ManifestError, UsageError
from genie_cli.jobs import Source
from genie_cli.manifest import Row
from genie_cli.observer import Observer
from genie_cli.oracle.conditions import Conditions
from genie_cli.oracle.judge import oracle_for
from genie_cli.oracle.manifests import ManifestImages

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from genie_cli.backbones.features import Features

QUANTILE = 0.05  # of the distances from real images to the nearest other one of their class
POOL = 2000  # real images to measure that on, those whose SHA-256 come first
_DECIMALS = 6
_BLOCK = 256  # images that are compared at once
_FEW = 64  # the same, where each may be compared with all before it: as one product of matrices, not one by one
_CHANGED = "nothing was written; a manifest's images and sources must be where it says, and unchanged"
_BROKEN = "nothing was written; take it out of the folder of --held-out"


@dataclass(frozen=True)
class Picture:
    """An image file.

    Attributes:
        name: as it is shown.
        group: real images of one group are of one class.
        hint: what to do if it cannot be read.
    """

    path: Path
    name: str
    sha256: str
    group: str = ""
    hint: str = _CHANGED


@dataclass(frozen=True)
class Near:
    """An image that another one is too near to.

    Attributes:
        name: of that other image.
        distance: 1 less the cosine of the features of both, 0..2; None if the one was made from the other.
    """

    name: str
    distance: float | None

    def __str__(self) -> str:
        return f"made from {self.name}" if self.distance is None else f"{self.distance:.4g} from {self.name}"


class NearDuplicates:
    """Finds near-duplicates of a manifest's images.

    Args:
        features: of a backbone.
        held_out: images that no image may be near to.

    Attributes:
        threshold: distances below it are of near-duplicates.

    Raises:
        UsageError: there are no two real images of one class to measure the threshold on.
        ImageError: a real image is missing, has changed or is broken.
    """

    def __init__(
        self, images: ManifestImages, features: Features, held_out: Sequence[Picture], observer: Observer
    ) -> None:
        self._images, self._features, self._observer = images, features, observer
        self._held_out = held_out
        real = real_images(images, held_out)
        self.threshold = _threshold(self._unit(real), [picture.group for picture in real])
        observer.found(
            f"near-duplicates: features of {features.backbone.name} with a cosine distance below {self.threshold:.4g}, "
            f"as {QUANTILE:.0%} of {len(real)} real images have to another one of their class"
        )
        if not self.threshold:
            observer.warning("the real images have copies among them, so that only copies count as near-duplicates")

    def of_held_out(self, rows: Sequence[Row]) -> list[Near | None]:
        """For each image the nearest held-out image, if it is too near, or the one that the image was made from."""
        import numpy as np

        sources = {picture.sha256: picture for picture in self._held_out}
        others, own = self._unit(self._held_out), self._of(rows)
        found: list[Near | None] = []
        for start in range(0, len(rows), _BLOCK):
            distances = _distances(own[start : start + _BLOCK], others)
            places = np.argmin(distances, axis=1)
            for row, place, all_ in zip(rows[start : start + _BLOCK], places.tolist(), distances, strict=True):
                if row.job.source and (origin := sources.get(row.job.source.sha256)):
                    found.append(Near(origin.name, None))
                else:
                    near = Near(self._held_out[place].name, float(all_[place]))
                    found.append(near if self._is_near(all_[place]) else None)
        return found

    def of_each_other(self, rows: Sequence[Row]) -> list[Near | None]:
        """For each of some images, the best first, the nearest better one of its target, if it is too near.

        One that is itself too near to a better one does not count: what is near to nothing that is kept, is kept.
        """
        features = self._of(rows)
        places: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            places.setdefault(row.job.target, []).append(place)
        found: list[Near | None] = [None] * len(rows)
        for own in places.values():
            for place, (better, distance) in zip(own, self._greedy(features[own]), strict=True):
                found[place] = None if better is None else Near(rows[own[better]].file, distance)
        return found

    def _greedy(self, features: NDArray[np.float64]) -> Iterator[tuple[int | None, float]]:
        """For each of N features (N, D) the nearest one before it that was kept, and its distance; None: it is kept."""
        import numpy as np

        kept = np.empty_like(features)
        places: list[int] = []
        for start in range(0, len(features), _FEW):
            block, before = features[start : start + _FEW], len(places)
            distances = np.full((len(block), before + len(block)), np.inf)
            distances[:, :before] = _distances(block, kept[:before])
            among = _distances(block, block)
            for row, own in enumerate(distances):
                nearest = int(np.argmin(own))
                if self._is_near(own[nearest]):
                    yield places[nearest], float(own[nearest])
                    continue
                distances[:, len(places)] = among[row]
                kept[len(places)] = block[row]
                places.append(start + row)
                yield None, 0

    def _is_near(self, distance: float) -> bool:
        return distance < self.threshold or distance == 0

    def _of(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        for row in rows:
            if not row.sha256:  # features are cached under it
                raise ManifestError(self._images.name, 0, f"the row of {row.file} has no sha256")
        return self._unit([Picture(self._images.root / row.file, row.file, row.sha256) for row in rows])

    def _unit(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """The features of images, of length 1: (N, D)."""
        import numpy as np

        preprocess = self._features.backbone.preprocess

        def view(picture: Picture) -> torch.Tensor:
            try:
                return preprocess.center_crop(read(picture.path, picture.sha256, preprocess.resize))
            except ImageError as error:
                raise ImageError(error.path, error.reason, error.hint or picture.hint) from None

        views = {picture.sha256: partial(view, picture) for picture in pictures}
        with self._observer.progress("images", len(views)) as progress:
            known = self._features.of(views, progress.advance)
        raw = np.stack([known[picture.sha256] for picture in pictures]).astype(np.float64)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        return cast("NDArray[np.float64]", raw / np.maximum(lengths, 1e-12))


def require_used(given: Mapping[str, object], conditions: Conditions) -> None:
    """Raise UsageError if arguments that are about the backbone are given, and nothing needs features."""
    if unused := [f"--{name}" for name, value in given.items() if value is not None and not conditions.needs_features]:
        raise UsageError(f"{', '.join(unused)}: used only with --distinct and --held-out")


def prepare(
    images: ManifestImages,
    held_out: Path | None,
    backbone: str | None,
    checkpoint: Path | None,
    device: str,
    observer: Observer,
) -> NearDuplicates:
    """What finds the near-duplicates of a manifest's images.

    Args:
        held_out: folder of test or query images, at any depth.
        backbone: name of the network that gives the features; None: the bundled one for images of the bundled model,
            else the features of the paper's oracle.
        checkpoint: a file with its weights; None: its own.

    Raises:
        FolderError: the folder has no images.
        UsageError: there are no two real images of one class; or the backbone is not known.
        ModelError, ImageError, ManifestError: see `backbones.load.load` and `NearDuplicates`.
    """
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.backbones.load import load

    found = read_held_out(held_out, observer) if held_out else []
    real_images(images, found)  # before a network is loaded
    with observer.progress("Loading the backbone"):
        network = load(backbone or oracle_for(images.rows), checkpoint, device, observer)
    return NearDuplicates(images, Features(network, default_folder(observer), observer), found, observer)


def read_held_out(folder: Path, observer: Observer) -> list[Picture]:
    """The images below a folder, in whatever folders; of files with one content the first by path."""
    from genie_cli.data.folder import scan

    listing = scan(folder, "held-out", observer)
    observer.left_out([f"{path} {reason}" for path, reason in listing.ignored])
    first = {source.sha256: source for source in reversed(listing.sources)}
    return [
        Picture(folder / path, str(folder / path), sha256, str(PurePosixPath(path).parent), _BROKEN)
        for sha256, path in sorted(
            ((source.sha256, source.path) for source in first.values()), key=lambda pair: pair[1]
        )
    ]


def real_images(images: ManifestImages, held_out: Sequence[Picture]) -> list[Picture]:
    """The real images of classes that have two or more: sources, or, if there are none, held-out images.

    Raises:
        UsageError: neither are there.
    """
    sources = images.sources_there()
    root = images.source_root
    shown = [] if root is None else [_of_source(root, sources[sha256]) for sha256 in sorted(sources)]
    for pictures in (shown, sorted(held_out, key=lambda picture: picture.sha256)):
        pool = pictures[:POOL]
        number = Counter(picture.group for picture in pool)
        if several := [picture for picture in pool if number[picture.group] > 1]:
            return several
    why = (
        f"the folder of the sources, {images.header.source_root}, is not there"
        if root is None and images.header.source_root
        else "there are no two sources of one class"
    )
    raise UsageError(
        f"what is nearly the same is measured on real images of one class, and {why}",
        "leave out --distinct and --held-out, or generate from two images of a class or more",
    )


def _of_source(root: Path, source: Source) -> Picture:
    return Picture(root / source.path, source.path, source.sha256, source.label)


def _threshold(features: NDArray[np.float64], groups: Sequence[str]) -> float:
    """The distance below which `QUANTILE` of the images have another image of their group."""
    import numpy as np

    own = np.array(groups)
    nearest = []
    for group in sorted(set(groups)):
        members = features[own == group]
        distances = _distances(members, members)
        np.fill_diagonal(distances, np.inf)
        nearest.append(distances.min(axis=1))
    return float(np.quantile(np.concatenate(nearest), QUANTILE, method="lower"))


def _distances(features: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosine distances, 0..2, of features (..., D) from others (M, D): (..., M); rounded, so that a copy has 0."""
    import numpy as np

    return cast("NDArray[np.float64]", np.round(np.clip(1 - features @ others.T, 0, 2), _DECIMALS) + 0.0)
