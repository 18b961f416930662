"""Images and labels among named values: the layouts of the caches of few-shot code bases, pickled or as ``.npz``.

image_data, class_dict          mini-ImageNet's caches: arrays, and the positions of each class's images
data, labels[, catname2label]   miniImageNet_category_split_*.pickle, FC100, CIFAR-FS
images, labels                  .npz
a list of images                tiered-ImageNet's *_images_png.pkl; its labels are in *_labels.pkl beside it
{class: images}                 mini_imagenet_train.pickle
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from genie_cli.errors import shorten
from genie_cli.unpack.labels import Names, distinct, label_of, numbered, text_of
from genie_cli.unpack.packed import Packed, Picture, refused
from genie_cli.unpack.pickled import plain

_IMAGES = ("image_data", "images", "image", "data", "imgs", "img", "x")
_CLASSES = "class_dict"
_LABELS = ("labels", "label", "fine_labels", "label_specific", "targets", "target", "y")
_BY_NAME, _BY_NUMBER = "catname2label", "label2catname"
_NAMES = ("label_specific_str", "class_names", "label_names", "classes")
LABELLING = (*_LABELS, *_NAMES, _BY_NUMBER)  # what may be needed beside the images of a .npz


_MOST = 1 << 26  # images of a file, of whose labels a list is made
_HINT = "name the key that has the labels: --label KEY"
# How keys of labels and of their images are called where a file has several of both: train_labels, train_images.
_PARTNERS = (("labels", "images"), ("label", "image"), ("y", "x"))


class Images(Protocol):
    """Images in order: an array, a list, or a part of a file."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Any]:
        """Each as an array, or as the bytes of an image file."""


def image_key(keys: Iterable[str], asked: str | None) -> str:
    """The key of the images: the partner of the one that was asked for, or one that is known; else empty."""
    there = set(keys)
    partners = [asked.replace(label, image, 1) for label, image in _PARTNERS if label in asked] if asked else []
    return next((key for key in (*partners, *_IMAGES) if key in there and key != asked), "")


def named(values: Mapping[Any, Any]) -> dict[str, Any]:
    """The same with keys that are texts: Python 2 wrote bytes. ValueError if one is neither text nor number."""
    return {text_of(key) if isinstance(key, bytes | str) else label_of(key, {}): each for key, each in values.items()}


def packed(
    name: str, values: Mapping[str, Any], images: Images | None, asked: str | None, more: Mapping[str, Any]
) -> Packed:
    """The pictures among named values.

    Args:
        name: of the file, for messages.
        images: the value of the key that `image_key` gives, if there is one.
        asked: the key of the labels; None: one of those that are known.
        more: other values, of the file of labels beside it.

    Raises:
        UsageError: there are no images or no labels, or they do not match.
        ValueError: a value is not what its name says.
    """
    if images is None:
        return _by_class(name, values, asked)
    if len(images) > _MOST:
        raise refused(f"{name} has {len(images):,} images, and at most {_MOST:,} are read")
    beside = {**values, **more}
    if asked is None and isinstance(classes := plain(beside.get(_CLASSES)), Mapping):
        labels, layout = _of_positions(classes, len(images)), f"images, and {_CLASSES}"
    else:
        key = asked or next((key for key in _LABELS if key in beside), "")
        if key not in beside:
            raise _no_labels(name, beside, asked)
        if (count := _count(plain(beside[key]))) != len(images):  # before they take memory
            raise refused(f"{name} has {len(images):,} images and {count:,} labels")
        known = _names(beside)
        labels, layout = [label_of(each, known) for each in _listed(key, beside[key])], f"images, and {key}"
    return Packed(_pictures(images, labels), len(labels), layout)


def _pictures(images: Images, labels: Sequence[str]) -> Iterator[Picture]:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield Picture(label, plain(image), f"image {number}")


def _no_labels(name: str, values: Mapping[str, Any], asked: str | None) -> Exception:
    keys = shorten(sorted(map(repr, values)), 12) or "nothing"
    what = f"no key {asked!r}" if asked else f"none of the keys of labels that are known ({', '.join(_LABELS)})"
    return refused(f"{name} has {what}; it has {keys}", _HINT)


def _count(value: Any) -> int:
    return value.size if isinstance(value, np.ndarray) else len(value) if isinstance(value, list | tuple) else 0


def _listed(key: str, value: Any) -> list[Any]:
    value = plain(value)
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value.reshape(-1).tolist()]
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    raise ValueError(f"{key} is no list of labels")


def _names(values: Mapping[str, Any]) -> Names:
    """The names of numbered classes, if the file has them."""
    by_name, by_number = plain(values.get(_BY_NAME)), plain(values.get(_BY_NUMBER))
    if isinstance(by_name, Mapping):
        return distinct({int(plain(number)): text_of(name) for name, number in by_name.items()})
    if isinstance(by_number, Mapping):
        return distinct({int(plain(number)): text_of(name) for number, name in by_number.items()})
    key = next((key for key in (_BY_NUMBER, *_NAMES) if key in values), "")
    return numbered(_listed(key, values[key])) if key else {}


def _of_positions(classes: Mapping[Any, Any], count: int) -> list[str]:
    """The label of each image, from the positions of the images of each class."""
    labels = [""] * count
    for label, positions in named(classes).items():
        label_of(label, {})
        for place in _listed(label, positions):
            if not isinstance(place, int) or not 0 <= place < count:
                raise ValueError(f"{_CLASSES} names image {place}, and there are {count:,}")
            if labels[place]:
                raise ValueError(f"{_CLASSES} has image {place} in two classes")
            labels[place] = label
    if "" in labels:
        raise ValueError(f"{_CLASSES} has image {labels.index('')} in no class")
    return labels


def _by_class(name: str, values: Mapping[str, Any], asked: str | None) -> Packed:
    """The images of a file that has those of each class under its name."""
    found = {label: _images_of(each) for label, each in values.items()}
    if asked or not found or any(images is None for images in found.values()):
        keys = shorten(sorted(map(repr, values)), 12) or "nothing"
        raise refused(f"{name} has no images under a key that is known ({', '.join(_IMAGES)}); it has {keys}", _HINT)
    known = {label_of(label, {}): images for label, images in found.items() if images is not None}
    total = sum(map(len, known.values()))
    return Packed(_in_turn(known), total, "the images of each class under its name")


def _in_turn(found: Mapping[str, Images]) -> Iterator[Picture]:
    for label, images in found.items():
        for number, image in enumerate(images):
            yield Picture(label, plain(image), f"image {number} of {label!r}")


def _images_of(value: Any) -> Images | None:
    """A value if it can be several images, else None."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        return value if value.ndim in (3, 4) or (value.dtype == object and value.ndim == 1) else None
    if isinstance(value, list | tuple) and value:
        return value if isinstance(plain(value[0]), np.ndarray | bytes) else None
    return None
