"""The data sets that can follow ``--dataset``, one row each: how it is read, and what is special about it.

A row is data: code elsewhere asks it, and never asks which data set it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from genie_cli.data.dataset import Crops, Dataset, by_class
from genie_cli.errors import UsageError
from genie_cli.files import cache, reraise_as_output_error
from genie_cli.observer import Observer


class Reader(Protocol):
    """Reads a data set from the folder that a person named; see `load` for the arguments."""

    def __call__(self, folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:
        """Raise FolderError if the folder does not hold the data set."""


@dataclass(frozen=True)
class Entry:
    """One data set of one benchmark.

    Attributes:
        name: what is typed after ``--dataset``.
        how_to_get: which layouts are read and where people get the data set; a function, since some texts are long.
        is_bundled: genie paints it itself, so that it needs no folder.
        can_be_partial: it is known how large the whole data set is, so that a part can be accepted for it.
        has_lists: the lists of its images may lie in another folder.
        backbone: the network that suits it; empty: the benchmark's own.
        defaults: settings that suit it, by their full names; they apply where neither a flag, the environment nor the
            settings file says otherwise.
        note: why ``defaults`` differ from the benchmark's, in a sentence; empty: nothing that a person need know.
    """

    name: str
    read: Reader
    how_to_get: Callable[[], str] = lambda: ""
    is_bundled: bool = False
    can_be_partial: bool = False
    has_lists: bool = False
    backbone: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def choices(benchmark: str) -> tuple[str, ...]:
    """The data sets of ``"fewshot"``, ``"finegrained"`` or ``"longtail"``, in the order in which help lists them."""
    return tuple(_CATALOG[benchmark])


def entry(benchmark: str, name: str) -> Entry:
    """The row of a data set; UsageError if the benchmark has none of that name."""
    known = _CATALOG[benchmark]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--dataset: there is no data set {name!r}{suggestion}", f"choices: {', '.join(known)}")
    return known[name]


def load(
    benchmark: str,
    name: str,
    folder: str = "",
    *,
    lists: Path | None = None,
    partial: bool = False,
    observer: Observer | None = None,
) -> Dataset:
    """Read a data set.

    Args:
        benchmark: ``"fewshot"``, ``"finegrained"`` or ``"longtail"``.
        name: one of `choices`.
        folder: where it lies; ignored for the bundled ones.
        lists: the folder of its lists, if they do not lie with the images; only for rows with ``has_lists``.
        partial: accept an incomplete data set; only for rows with ``can_be_partial``.
        observer: is told the layout that was found, and what was left out.

    Raises:
        UsageError: there is no such data set, it needs a folder, or an argument that it has no use for was given.
        FolderError: the folder does not hold the data set.
        OutputError: a bundled one cannot be written to the cache.
    """
    row = entry(benchmark, name)
    observer = observer or Observer()
    if partial and not row.can_be_partial:
        parts = ", ".join(other for other, its in _CATALOG[benchmark].items() if its.can_be_partial)
        raise UsageError(f"--partial goes with --dataset {parts}")
    if lists and not row.has_lists:
        able = ", ".join(other for other, its in _CATALOG[benchmark].items() if its.has_lists)
        raise UsageError(f"--lists goes with --dataset {able or 'of another command'}")
    if not folder and not row.is_bundled:
        raise UsageError(
            f"--dataset {name} needs --data-dir FOLDER, or GENIE_DATA, or dir under [data] in genie.toml",
            row.how_to_get(),
        )
    found = row.read(Path(folder), lists=lists, partial=partial, observer=observer)
    if found.layout:
        observer.found(f"{name}: {found.layout}")
    return replace(found, root=found.root.resolve())


# ---- readers: thin adapters of the modules that know the layouts -------------------------------------------------


def _digits(spurious: str | None = None) -> Reader:
    def read(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
        from genie_cli.data.digits import few_shot

        with reraise_as_output_error(cache()):
            found = few_shot.read(cache() / "data", spurious=spurious)  # type: ignore[arg-type]
        return replace(found, crops=_DIGIT_CROPS)

    return read


def _digits_with_superclass(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:
    found = _digits()(folder, lists=lists, partial=partial, observer=observer)
    return replace(found, superclass="digit")


def _digits_long_tailed(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
    from genie_cli.data.digits import long_tail

    with reraise_as_output_error(cache()):
        found = long_tail.read(cache() / "data")
    return replace(found, crops=_DIGIT_CROPS)


def _class_folders(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
    from genie_cli.data.folder import list_sources

    images = tuple(list_sources(folder, observer=observer))
    return Dataset(folder, images, images)


def _few_shot(name: str) -> Reader:
    def read(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
        from genie_cli.data.fewshot_sets import mini_imagenet, tiered_imagenet

        found = (mini_imagenet if name == "mini" else tiered_imagenet)(folder, partial=partial)
        return Dataset(found.root, found.sources, found.sources, found.names, layout=found.layout)

    return read


def _fine_grained(name: str) -> Reader:
    def read(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
        from genie_cli.data.finegrained_sets import read as read_splits

        found = read_splits(name, folder, partial=partial)  # type: ignore[arg-type]
        known = {source.sha256 for source in found.train}
        test = tuple(source for source in found.test if source.sha256 not in known)
        if again := len(found.test) - sum(map(len, by_class(test).values())):
            observer.left_out([f"{again} test images: the same file is a training image, or tested already"])
        return Dataset(found.root, found.train, test, found.names, found.superclass, found.layout)

    return read


def _long_tailed(name: str) -> Reader:
    def read(folder: Path, *, lists: Path | None, partial: bool, observer: Observer) -> Dataset:  # noqa: ARG001
        from genie_cli.data.longtail_sets import read as read_splits

        found = read_splits(name, folder, lists=lists, partial=partial)  # type: ignore[arg-type]
        return Dataset(found.root, found.train, found.test, found.names, layout=found.layout, order=found.classes)

    return read


def _told_by(module: str, name: str) -> Callable[[], str]:
    def how_to_get() -> str:
        from importlib import import_module

        return str(import_module(f"genie_cli.data.{module}").how_to_get(name))

    return how_to_get


def _rows(*rows: Entry) -> dict[str, Entry]:
    return {row.name: row for row in rows}


# Half a digit is another digit, and so is its mirror image.
_DIGIT_CROPS = Crops(min_area=0.7, flip=False)
_DIGITS = Entry("digits", _digits(), is_bundled=True, backbone="digits", defaults={"model.name": "digits"})

_CATALOG: dict[str, dict[str, Entry]] = {
    "fewshot": _rows(
        _DIGITS,
        replace(_DIGITS, name="digits-spurious-background", read=_digits("background")),
        replace(_DIGITS, name="digits-spurious-ink", read=_digits("ink")),
        Entry("mini", _few_shot("mini"), _told_by("fewshot_sets", "mini"), can_be_partial=True),
        Entry("tiered", _few_shot("tiered"), _told_by("fewshot_sets", "tiered"), can_be_partial=True),
        Entry("folder", _class_folders, lambda: "a folder with a subfolder of images per class"),
    ),
    "finegrained": _rows(
        replace(
            _DIGITS,
            read=_digits_with_superclass,
            defaults={"model.name": "digits", "finegrained.ways": 5},
            note="5-way, not 20: the digits' encoder was trained on the other five classes",
        ),
        *(
            Entry(name, _fine_grained(name), _told_by("finegrained_sets", name), can_be_partial=True)
            for name in ("cub", "cars", "food", "aircraft", "folder")
        ),
    ),
    "longtail": _rows(
        replace(
            _DIGITS,
            read=_digits_long_tailed,
            # Where the digits' recipe differs from LiVT's: a small network, few images, no pretraining.
            defaults={
                "model.name": "digits",
                "longtail.network": "test_resnet",  # timm's smallest residual network, 0.46 million parameters
                "longtail.epochs": 40,
                "longtail.warmup_epochs": 2,
                "longtail.batch": 64,
                "longtail.base_lr": 8e-3,
                "longtail.layer_decay": 1.0,  # no layer knows anything yet that it could forget
                "longtail.mixup": 0.2,
                "longtail.cutmix": 0.0,  # half a digit is another digit
                "longtail.mean": (0.5, 0.5, 0.5),
                "longtail.std": (0.5, 0.5, 0.5),
                "longtail.workers": 0,
            },
        ),
        Entry(
            "imagenet-lt",
            _long_tailed("imagenet-lt"),
            _told_by("longtail_sets", "imagenet-lt"),
            can_be_partial=True,
            has_lists=True,
        ),
        Entry("folder", _long_tailed("folder"), _told_by("longtail_sets", "folder"), can_be_partial=True),
    ),
}
