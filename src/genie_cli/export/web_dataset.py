"""WebDataset: shards that are tar archives, with ``<key>.jpg``, ``.cls``, ``.json`` and ``.source.jpg`` for each image.

``.source.jpg`` is the photo as the model saw it: upright, resized and cropped to the generated image's size.
`metadata.jsonl` has what all ``.json`` have, to be looked at without opening the shards.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from genie_cli.backbones.read_ahead import read_ahead
from genie_cli.data import images
from genie_cli.data.listing import counted
from genie_cli.errors import ImageError
from genie_cli.export import metadata
from genie_cli.export.croissant import file_object
from genie_cli.export.form import Content, Form, Json, Linked, Written, groups, shard_names
from genie_cli.export.samples import Sample
from genie_cli.files.image_data import open_image
from genie_cli.generate.card import Feature
from genie_cli.observer import Observer

_METADATA = "metadata.jsonl"
_SOURCE = "source.jpg"
_BLOCK = 512  # bytes of a tar archive
_OTHERS = 4 * _BLOCK  # of a sample's JSON and class, about
_FORMATS = ("JPEG", "PNG", "WEBP")
_KEPT = 1 << 28  # bytes of source photos in memory, as the model saw them
_BATCH = 64  # images that are read while as many are written


@dataclass(frozen=True)
class WebDataset(Form):
    """Tar archives of about ``largest`` bytes."""

    largest: int = 500_000_000
    data_files = "data/train-*.tar"

    def check(self, content: Content, observer: Observer) -> None:
        made_from = [sample for sample in content.samples if sample.job and sample.job.source]
        gone = sum(sample.source is None for sample in made_from)
        if gone:
            observer.warning(f"the source photos of {counted(gone, 'image')} are not where the manifest says: left out")
        if gone < len(made_from):
            observer.found("the shards hold the source photos, too, as .source.jpg")

    def files(self, content: Content) -> Iterator[Linked | Written]:
        shards = list(groups(content.samples, _weight, self.largest))
        sources = _Sources()
        for name, samples in zip(shard_names(len(shards), "tar"), shards, strict=True):
            yield Written(name, len(samples), partial(_write, content, samples, sources))
        names = [f"{sample.key}.{sample.kind}" for sample in content.samples]
        yield Written(_METADATA, 0, partial(metadata.write, content, names))

    def features(self, content: Content) -> tuple[Feature, ...]:
        pictures = [Feature(kind, "image", "the image") for kind in content.kinds]
        if any(sample.source for sample in content.samples):
            pictures.append(Feature(_SOURCE, "image", "the photo that it was made from, as the model saw it"))
        return (
            *pictures,
            Feature("cls", "class_label", "the class, as a number"),
            Feature("json", "", "", tuple(map(_as_text, content.features))),
            Feature("__key__", "string", "the image's name in its shard"),
            Feature("__url__", "string", "its shard"),
        )

    def loading(self, root: Path, content: Content) -> tuple[str, ...]:
        last = sum(1 for _ in groups(content.samples, _weight, self.largest)) - 1
        shards = f"{root}/data/train-{{00000..{last:05d}}}-of-{last + 1:05d}.tar"
        kinds = ";".join(content.kinds)
        return (
            f"webdataset.WebDataset({shards!r}, shardshuffle=False).decode('pil').to_tuple({kinds!r}, 'cls', 'json')",
            f"datasets.load_dataset({str(root)!r}, split='train')",
        )

    def croissant(self, digests: Mapping[str, str], content: Content) -> tuple[list[Json], list[Json]]:
        shards = [name for name in digests if name != _METADATA]
        images: Json = {
            "containedIn": [{"@id": name} for name in shards],
            "encodingFormat": [f"image/{'jpeg' if kind == 'jpg' else kind}" for kind in content.kinds],
            # A key has 20 digits. "*.jpg" would also be the sources.
            "includes": [f"{'?' * len(content.samples[0].key)}.{kind}" for kind in content.kinds],
        }
        files, fields = metadata.croissant(_METADATA, digests[_METADATA], images, content, in_folders=False)
        return [*(file_object(name, digests[name], "application/x-tar") for name in shards), *files], fields


def _as_text(feature: Feature) -> Feature:
    """In the JSON the class is its name."""
    return Feature(feature.name, "string" if feature.name == "label" else feature.dtype, feature.meaning)


def _weight(sample: Sample) -> int:
    """Bytes that a sample takes in an archive, about: a source is taken to be as large as the image."""
    one = _BLOCK + -(-sample.size // _BLOCK) * _BLOCK
    return one * (2 if sample.source else 1) + _OTHERS


@dataclass
class _Sources:
    """Source photos as the model saw them, as JPEGs: of many images with one source it is decoded once."""

    _known: dict[tuple[str, tuple[int, int]], bytes] = field(default_factory=dict)
    _bytes: int = 0

    def of(self, sample: Sample, path: Path, image: bytes) -> bytes:
        """The source of an image; may be called by several threads."""
        what = str(sample.columns["source_sha256"]), open_image(image, _FORMATS).size
        if (known := self._known.get(what)) is not None:
            return known
        found = _source(path, *what)
        if self._bytes + len(found) <= _KEPT:
            self._known[what] = found
            self._bytes += len(found)
        return found


def _write(content: Content, samples: list[Sample], sources: _Sources, file: BinaryIO) -> None:
    numbers = {label: number for number, label in enumerate(content.classes)}
    batches = [
        [partial(_parts, content, numbers, sources, sample) for sample in samples[start : start + _BATCH]]
        for start in range(0, len(samples), _BATCH)
    ]
    with (
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        closing(read_ahead(batches)) as read,
    ):
        for sample, parts in zip(samples, chain.from_iterable(read), strict=True):
            for extension in sorted(parts):
                member = tarfile.TarInfo(f"{sample.key}.{extension}")
                member.size, member.mode = len(parts[extension]), 0o444
                archive.addfile(member, BytesIO(parts[extension]))


def _parts(content: Content, numbers: Mapping[str, int], sources: _Sources, sample: Sample) -> dict[str, bytes]:
    """The files of a sample, by extension."""
    image = sample.read()
    parts = {
        "cls": str(numbers[sample.label]).encode(),
        "json": json.dumps(content.record(sample), ensure_ascii=False).encode(),
        sample.kind: image,
    }
    return parts | ({_SOURCE: sources.of(sample, sample.source, image)} if sample.source else {})


def _source(path: Path, digest: str, size: tuple[int, int]) -> bytes:
    """A source photo, as the model saw it, as a JPEG."""
    try:
        photo = as_seen(images.read(path, digest), size)
    except ImageError as error:
        hint = "put it back as it was; or move the folder of the sources away, and they are left out"
        raise ImageError(error.path, error.reason, hint) from None
    file = BytesIO()
    photo.save(file, format="JPEG", quality=95, subsampling="4:4:4")
    return file.getvalue()


def as_seen(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A photo resized by its shorter side and cropped in the middle, as torchvision does it, and so the model's input.

    Args:
        size: width and height, which are equal.
    """
    side = min(size)
    shorter = min(photo.size)
    width, height = (side if length == shorter else int(side * length / shorter) for length in photo.size)
    left, top = round((width - side) / 2), round((height - side) / 2)
    resized = photo.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + side, top + side))
