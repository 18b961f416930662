"""The data sets that ``--dataset`` takes, one row each: the module that reads it, and what is special about it.

A row is data: code elsewhere asks the row, never which data set it is. To add a data set, copy a short module such as
`data.fgvc_aircraft` and add its row to `_CATALOG`. Modules are imported when a row is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

from genie_cli.data.dataset import Crops, Dataset
from genie_cli.data.random_split import RandomSplit
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.files.cache import cache
from genie_cli.files.writing import reraise_as_output_error
from genie_cli.observer import Observer

_ELSEWHERE = "set XDG_CACHE_HOME to a folder that can be written to"


@dataclass(frozen=True)
class Entry:
    """One data set of one benchmark.

    Attributes:
        name: what is typed after ``--dataset``.
        module: the module in `genie_cli.data` that reads it; has ``HOW_TO_GET``, unless the data set is bundled.
        reader: the function of the module that reads it; see `read`.
        arguments: more arguments of the reader.
        is_bundled: genie paints it, so that it needs no folder.
        is_own: it is a person's own, and no benchmark that others have run: images that are broken can be left out.
        can_be_split: a test split can be drawn from it.
        can_be_partial: it is known how large the whole data set is, so that a part of it can be accepted.
        has_lists: the lists of its images may lie in another folder.
        backbone: the network that suits it; empty: the benchmark's own.
        crops: random crops that suit its images; None: the usual ones of photographs.
        defaults: settings that suit it, by their full names; they apply where neither a flag, the environment nor the
            settings file says otherwise.
        note: why ``defaults`` differ from the benchmark's, in one sentence; empty: nothing that users need to know.
    """

    name: str
    module: str
    reader: Literal["read", "read_long_tailed"] = "read"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_bundled: bool = False
    is_own: bool = False
    can_be_split: bool = False
    can_be_partial: bool = False
    has_lists: bool = False
    backbone: str = ""
    crops: Crops | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def how_to_get(self) -> str:
        """The layouts that are read, and where to get the data set; empty for a bundled one."""
        return "" if self.is_bundled else str(self._module().HOW_TO_GET)

    def name_of(self, pool: int) -> str:
        """The name of one pool of a bundled data set, in results: ``digits-pool-3``; of others their own name."""
        return f"{self.name}-pool-{pool}" if self.is_bundled and pool else self.name

    def read(
        self,
        folder: Path,
        *,
        lists: Path | None,
        partial: bool,
        pool: int,
        split: RandomSplit | None,
        observer: Observer,
    ) -> Dataset:
        """Read the data set; arguments for which the row has no use are not passed on.

        Args:
            folder: where it lies; of a bundled one, where it is painted.
            lists, partial, pool, split, observer: as for `load`.

        Raises:
            FolderError: the folder does not hold the data set.
        """
        options = {**self.arguments, "observer": observer}
        if self.can_be_partial:
            options["partial"] = partial
        if self.has_lists:
            options["lists"] = lists
        if self.is_bundled:
            options["pool"] = pool
        if self.can_be_split:
            options["split"] = split
        found = cast("Dataset", getattr(self._module(), self.reader)(folder, **options))
        return replace(found, crops=self.crops)

    def _module(self) -> Any:
        return import_module(f"genie_cli.data.{self.module}")


def choices(benchmark: str) -> tuple[str, ...]:
    """The data sets of ``"fewshot"``, ``"finegrained"`` or ``"longtail"``, in the order in which help lists them."""
    return tuple(_CATALOG[benchmark])


def entry(benchmark: str, name: str) -> Entry:
    """The row of a data set; UsageError if the benchmark has none of that name."""
    known = _CATALOG[benchmark]
    if name not in known:
        suggestion = did_you_mean(name, tuple(known))
        raise UsageError(f"--dataset: there is no data set {name!r}{suggestion}", f"choices: {', '.join(known)}")
    return known[name]


def load(
    benchmark: str,
    name: str,
    folder: str = "",
    *,
    lists: Path | None = None,
    partial: bool = False,
    pool: int = 0,
    split: RandomSplit | None = None,
    observer: Observer | None = None,
) -> Dataset:
    """Read a data set.

    Args:
        benchmark: ``"fewshot"``, ``"finegrained"`` or ``"longtail"``.
        name: one of `choices`.
        folder: where it lies; ignored for the bundled ones.
        lists: the folder of its lists, if they do not lie with the images; only for rows with ``has_lists``.
        partial: accept an incomplete data set; only for rows with ``can_be_partial``.
        pool: which images are painted; ignored for those that are not bundled.
        split: draws a test split; ignored for data sets from which none can be drawn. None: they have one.
        observer: is told the layout that was found, and what was left out.

    Raises:
        UsageError: there is no such data set, it needs a folder, or ``lists`` or ``partial`` is of no use to it.
        FolderError: the folder does not hold the data set.
        OutputError: a bundled one cannot be written to the cache.
    """
    row = entry(benchmark, name)
    observer = observer or Observer()
    _check(benchmark, row, folder, lists, partial)
    place = cache(observer) / "data" if row.is_bundled else Path(folder)
    with reraise_as_output_error(place, _ELSEWHERE) if row.is_bundled else nullcontext():
        found = row.read(place, lists=lists, partial=partial, pool=pool, split=split, observer=observer)
    if found.layout:
        observer.found(f"{name}: {found.layout}")
    return replace(found, root=found.root.resolve())


def _check(benchmark: str, row: Entry, folder: str, lists: Path | None, partial: bool) -> None:
    """Raise the UsageErrors of `load`."""
    rows = _CATALOG[benchmark].values()
    if partial and not row.can_be_partial:
        able = ", ".join(other.name for other in rows if other.can_be_partial)
        raise UsageError(f"--partial goes with --dataset {able}")
    if lists and not row.has_lists:
        able = ", ".join(other.name for other in rows if other.has_lists)
        raise UsageError(f"--lists goes with --dataset {able or 'of another command'}")
    if not folder and not row.is_bundled:
        raise UsageError(
            f"--dataset {row.name} needs --data-dir FOLDER, or GENIE_DATA, or dir under [data] in genie.toml",
            row.how_to_get().splitlines(),
        )


_DIGITS = Entry(
    "digits",
    "digits.few_shot",
    is_bundled=True,
    backbone="digits",
    crops=Crops(min_area=0.7, flip=False),  # half a digit is another digit, and so is its mirror image
    defaults={"model.name": "digits"},
)

_FEW_SHOT = (
    _DIGITS,
    replace(_DIGITS, name="digits-spurious-background", arguments={"spurious": "background"}),
    replace(_DIGITS, name="digits-spurious-ink", arguments={"spurious": "ink"}),
    replace(_DIGITS, name="digits-negatives", arguments={"negatives": True}),
    Entry("mini", "mini_imagenet", can_be_partial=True),
    Entry("tiered", "tiered_imagenet", can_be_partial=True),
    Entry("folder", "folder", is_own=True),
)

_FINE_GRAINED = (
    replace(
        _DIGITS,
        arguments={"superclass": "digit"},
        defaults={"model.name": "digits", "finegrained.ways": 5},
        note="5-way, not 20: the digits' encoder was trained on the other five classes",
    ),
    Entry("cub", "cub", can_be_partial=True),
    Entry("cars", "stanford_cars", can_be_partial=True),
    Entry("food", "food101", can_be_partial=True),
    Entry("aircraft", "fgvc_aircraft", can_be_partial=True),
    Entry("folder", "train_test_folder", is_own=True, can_be_split=True, can_be_partial=True),
)

_LONG_TAIL = (
    replace(
        _DIGITS,
        module="digits.long_tail",
        # Where the digits' recipe differs from LiVT's: a small network, few images, no pretraining.
        defaults={
            "model.name": "digits",
            "longtail.network": "test_resnet",  # timm's smallest residual network, 0.37 million parameters
            "longtail.epochs": 40,
            "longtail.warmup_epochs": 2,
            "longtail.updates": "equal",
            "longtail.batch": 64,
            "longtail.base_lr": 8e-3,
            "longtail.layer_decay": 1.0,  # no layer is pretrained
            "longtail.mixup": 0.2,
            "longtail.cutmix": 0.0,  # half a digit is another digit
            "longtail.mean": (0.5, 0.5, 0.5),
            "longtail.std": (0.5, 0.5, 0.5),
            "longtail.workers": 0,
        },
    ),
    Entry("imagenet-lt", "imagenet_lt", can_be_partial=True, has_lists=True),
    Entry("folder", "train_test_folder", "read_long_tailed", is_own=True, can_be_split=True, can_be_partial=True),
)

_CATALOG: dict[str, dict[str, Entry]] = {
    "fewshot": {row.name: row for row in _FEW_SHOT},
    "finegrained": {row.name: row for row in _FINE_GRAINED},
    "longtail": {row.name: row for row in _LONG_TAIL},
}
