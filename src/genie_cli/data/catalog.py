"""From --dataset and --data-dir to the images that episodes are drawn from, or that a network is trained on."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli._console import words
from genie_cli.config import Settings
from genie_cli.errors import UsageError
from genie_cli.files import cache
from genie_cli.generate.plan import list_sources

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Preprocess
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.fewshot.augment import RandomAugment
    from genie_cli.fewshot.episodes import Pool


class DataSet(StrEnum):
    """What a person types after --dataset; each command has a list of its own."""

    @property
    def is_digits(self) -> bool:
        return self.value.startswith("digits")

    def place(self, folder: str, partial: bool) -> Path | None:
        """Where the data set lies; None for the digits. ``folder`` is empty if the person named none.

        Raises:
            UsageError: there is no folder, and the data set needs one; or ``partial`` for one that has no parts.
        """
        if partial and not self.has_parts:
            parts = ", ".join(other for other in type(self) if other.has_parts)
            raise UsageError(f"--partial goes with --dataset {parts}")
        if self.is_digits:
            return None
        if not folder:
            raise UsageError(
                f"--dataset {self} needs --data-dir FOLDER, or GENIE_DATA, or dir under [data] in genie.toml",
                self.how_to_get(),
            )
        return Path(folder)

    @property
    def has_parts(self) -> bool:
        """Whether it is known how much the whole data set is, so that a part can be taken for it."""
        raise NotImplementedError

    def how_to_get(self) -> str:
        """Where people get it, and how the folder must look."""
        raise NotImplementedError


class EpisodeSet(DataSet):
    """One that episodes are drawn from."""

    def pool(self, folder: str, partial: bool = False) -> Pool:
        """The data set's images; the arguments and errors are those of `place`.

        Raises:
            FolderError: the folder does not hold the data set.
        """
        place = self.place(folder, partial)
        return self.read(place, partial) if place else _digits(self)

    def views(self, preprocess: Preprocess) -> RandomAugment:
        """How random crops of this data set are taken."""
        from genie_cli.fewshot.augment import RandomAugment

        return RandomAugment.of_digits(preprocess) if self.is_digits else RandomAugment.of_photos(preprocess)

    def read(self, folder: Path, partial: bool) -> Pool:
        """The images in ``folder``; not for the digits."""
        raise NotImplementedError


class FewShotSet(EpisodeSet):
    """The data sets of `genie fewshot`; support and query images come from the same split."""

    DIGITS = "digits"
    DIGITS_TIED_BACKGROUND = "digits-tied-background"
    DIGITS_TIED_INK = "digits-tied-ink"
    MINI = "mini"
    TIERED = "tiered"
    FOLDER = "folder"

    @property
    def has_parts(self) -> bool:
        return self in (FewShotSet.MINI, FewShotSet.TIERED)

    def how_to_get(self) -> str:
        from genie_cli.data.fewshot_sets import how_to_get

        return how_to_get(self.value) if self.has_parts else "a folder with a subfolder of images per class"

    def read(self, folder: Path, partial: bool) -> Pool:
        from genie_cli.data.fewshot_sets import mini_imagenet, tiered_imagenet
        from genie_cli.fewshot.episodes import Pool, by_class

        if self is FewShotSet.FOLDER:
            images = by_class(list_sources(folder))
            return Pool(folder.resolve(), images, images, names={})
        found = (mini_imagenet if self is FewShotSet.MINI else tiered_imagenet)(folder, partial=partial)
        words().print(f"{self}: {found.layout}", soft_wrap=True)
        images = by_class(found.sources)
        return Pool(found.root.resolve(), images, images, names=found.names)


class FineGrainedSet(EpisodeSet):
    """The data sets of `genie finegrained`; support images come from the training split, queries from the other."""

    DIGITS = "digits"
    CUB = "cub"
    CARS = "cars"
    FOOD = "food"
    AIRCRAFT = "aircraft"
    FOLDER = "folder"

    @property
    def has_parts(self) -> bool:
        return not self.is_digits

    def pool(self, folder: str, partial: bool = False) -> Pool:
        found = super().pool(folder, partial)
        return replace(found, superclass="digit") if self.is_digits else found

    def how_to_get(self) -> str:
        from genie_cli.data.finegrained_sets import how_to_get

        return how_to_get(self.value)

    def read(self, folder: Path, partial: bool) -> Pool:
        from genie_cli.data.finegrained_sets import read
        from genie_cli.fewshot.episodes import Pool, by_class

        found = read(self.value, folder, partial=partial)  # type: ignore[arg-type]
        words().print(f"{self}: {found.layout}", soft_wrap=True)
        learned_from = {source.sha256 for source in found.train}
        train, test = by_class(found.train), by_class([s for s in found.test if s.sha256 not in learned_from])
        if again := len(found.test) - sum(map(len, test.values())):
            words().print(
                f"{again} test images left out: the same file is among the training images, or tested already"
            )
        return Pool(found.root.resolve(), train, test, found.names, found.superclass)


class LongTailSet(DataSet):
    """The data sets of `genie longtail`."""

    DIGITS = "digits"
    IMAGENET_LT = "imagenet-lt"
    FOLDER = "folder"

    @property
    def has_parts(self) -> bool:
        return not self.is_digits

    def how_to_get(self) -> str:
        from genie_cli.data.longtail_sets import how_to_get

        return how_to_get(self.value)

    def images(self, folder: str, lists: Path | None, partial: bool) -> LongTailed:
        """Both splits; the errors are those of `place` and of `data.longtail_sets.read`."""
        from genie_cli.data.digits_longtail import read_digits
        from genie_cli.data.longtail_sets import read
        from genie_cli.generate.folder import reraise_as_output_error

        if lists and self is not LongTailSet.IMAGENET_LT:
            raise UsageError("--lists goes with --dataset imagenet-lt")
        place = self.place(folder, partial)
        if place is None:
            with reraise_as_output_error(cache()):
                return read_digits(cache() / "data")
        return read(self.value, place, lists=lists, partial=partial)  # type: ignore[arg-type]


def require_data_dir_is_used(dataset: DataSet, settings: Settings, given: set[str]) -> None:
    """Raise UsageError for --data-dir with a data set that genie makes; the environment may name that of other runs."""
    if dataset.is_digits and "dir" in given and settings.data.dir != os.environ.get("GENIE_DATA"):
        raise UsageError(f"--dataset {dataset} is made by genie: leave out --data-dir")


def _digits(dataset: DataSet) -> Pool:
    from genie_cli.backbones.digits import NOVEL_CLASSES
    from genie_cli.data.digits_pool import QUERY, SUPPORT, paint
    from genie_cli.data.folders import scan
    from genie_cli.fewshot.episodes import Pool, by_class
    from genie_cli.generate.folder import reraise_as_output_error

    ties = {FewShotSet.DIGITS_TIED_BACKGROUND: "background", FewShotSet.DIGITS_TIED_INK: "ink"}
    with reraise_as_output_error(cache()):
        root = paint(cache() / "data", NOVEL_CLASSES, spurious=ties.get(dataset))  # type: ignore[call-overload]
    pools = []
    for role in (SUPPORT, QUERY):
        sources = [s.model_copy(update={"path": f"{role}/{s.path}"}) for s in scan(root / role).sources]
        pools.append(by_class(sources))
    support, query = pools
    return Pool(root=root, support=support, query=query, names={})
