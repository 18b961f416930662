"""An image folder: ``train/<class>/<key>.jpg`` and its metadata beside it, with every file as it is elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genie_cli.data.listing import counted
from genie_cli.errors import UsageError
from genie_cli.export import metadata
from genie_cli.export.form import Content, Form, Json, Linked, Written
from genie_cli.generate.card import Feature
from genie_cli.generate.metadata import LINES, TABLE, warn_of_times
from genie_cli.generate.paths import IMAGES, folder_of
from genie_cli.observer import Observer

_MOST_FILES = 100_000  # that the Hub advises to have in all
# What others read from a folder; timm also leaves out the last two.
_TORCHVISION = frozenset(("jpg", "png", "ppm", "bmp", "tif", "webp"))
_TIMM = frozenset(("jpg", "png"))
_TYPES = {"jpg": "jpeg", "tif": "tiff", "ppm": "x-portable-anymap"}


@dataclass(frozen=True)
class ImageFolder(Form):
    """Files in one folder per class.

    Attributes:
        most: entries of a folder; the Hub refuses more. A class that has more images is laid out as
            ``lynx/0000/lynx/<key>.jpg``: torchvision takes the first folder for the class, timm the last.
    """

    most: int = 10_000
    data_files = f"{IMAGES}/**"
    is_image_folder = True

    def check(self, content: Content, observer: Observer) -> None:
        more = f"has more than {self.most:,} entries, which the Hub refuses"
        other = "give another form: --format parquet, or webdataset"
        if len(content.classes) >= self.most:
            raise UsageError(f"a folder of {len(content.classes):,} classes {more}", other)
        if len(content.samples) > _MOST_FILES:
            observer.warning(f"more than {_MOST_FILES:,} files: {other}, for the Hub")
        warn_of_times(content.classes, observer)
        for name, known in (("torchvision", _TORCHVISION), ("timm", _TIMM)):
            unknown = Counter(sample.kind for sample in content.samples if sample.kind not in known)
            for kind, count in sorted(unknown.items()):
                observer.warning(f"{counted(count, 'image')} of kind {kind}, which {name} leaves out of a folder")

    def files(self, content: Content) -> Iterator[Linked | Written]:
        names = self._names(content)
        for name, sample in zip(names, content.samples, strict=True):
            yield Linked(name, sample)
        within = [name.removeprefix(f"{IMAGES}/") for name in names]
        write = metadata.write_as_table if content.needs_table else metadata.write
        yield Written(_metadata_of(content), 0, partial(write, content, within))

    def _names(self, content: Content) -> list[str]:
        """Where the images lie."""
        of_class = Counter(sample.label for sample in content.samples)
        before: Counter[str] = Counter()
        names = []
        for sample in content.samples:
            folder = folder_of(sample.label)
            if of_class[sample.label] > self.most:
                folder = f"{folder}/{before[sample.label] // self.most:04d}/{folder}"
            before[sample.label] += 1
            names.append(f"{IMAGES}/{folder}/{sample.key}.{sample.kind}")
        return names

    def features(self, content: Content) -> tuple[Feature, ...]:
        return (Feature("image", "image", "the image"), *content.features)

    def loading(self, root: Path, content: Content) -> tuple[str, ...]:  # noqa: ARG002
        images = str(root / IMAGES)
        return (
            f"datasets.load_dataset({str(root)!r}, split='train')",
            f"torchvision.datasets.ImageFolder({images!r})",
            f"timm.data.create_dataset('', root={images!r})",
        )

    def croissant(self, digests: Mapping[str, str], content: Content) -> tuple[list[Json], list[Json]]:
        images = {
            "encodingFormat": [f"image/{_TYPES.get(kind, kind)}" for kind in content.kinds],
            "includes": [f"{IMAGES}/**/*.{kind}" for kind in content.kinds],
        }
        name = _metadata_of(content)
        return metadata.croissant(name, digests[name], images, content, in_folders=True)


def _metadata_of(content: Content) -> str:
    return f"{IMAGES}/{TABLE if content.needs_table else LINES}"
