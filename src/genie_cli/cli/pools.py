"""From --dataset and --data-dir to the images that episodes are drawn from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli.console import words
from genie_cli.cli.planning import list_sources
from genie_cli.errors import UsageError
from genie_cli.files import cache

if TYPE_CHECKING:
    from genie_cli.augment import Views
    from genie_cli.backbones.backbone import Sight
    from genie_cli.evaluate.episodes import Pool


class DataSet(StrEnum):
    """What a person types after --dataset."""

    DIGITS = "digits"
    DIGITS_TIED_BACKGROUND = "digits-tied-background"
    DIGITS_TIED_INK = "digits-tied-ink"
    MINI = "mini"
    TIERED = "tiered"
    FOLDER = "folder"

    @property
    def is_digits(self) -> bool:
        return self.value.startswith("digits")

    def pool(self, folder: str, partial: bool = False) -> Pool:
        """The data set's images; ``folder`` is empty if the person named none, and not looked at for the digits.

        Raises:
            UsageError: there is no folder, and the data set needs one; or ``partial`` for one that has no parts.
            FolderError: the folder does not hold the data set.
        """
        if partial and self not in (DataSet.MINI, DataSet.TIERED):
            raise UsageError("--partial goes with --dataset mini and tiered")
        if self.is_digits:
            return _digits(self)
        if self is DataSet.FOLDER:
            return _folder(folder)
        return _imagenet(self, folder, partial)

    def views(self, sight: Sight) -> Views:
        """How random crops of this data set are taken."""
        from genie_cli.augment import Views

        return Views.of_digits(sight) if self.is_digits else Views.of_photos(sight)


def _digits(dataset: DataSet) -> Pool:
    from genie_cli.backbones.digits import NOVEL_CLASSES
    from genie_cli.data.digits_pool import QUERY, SUPPORT, paint
    from genie_cli.data.folders import scan
    from genie_cli.evaluate.episodes import Pool, by_class
    from genie_cli.output import explained

    ties = {DataSet.DIGITS_TIED_BACKGROUND: "background", DataSet.DIGITS_TIED_INK: "ink"}
    with explained(cache()):
        root = paint(cache() / "data", NOVEL_CLASSES, tied=ties.get(dataset))  # type: ignore[arg-type]
    pools = []
    for role in (SUPPORT, QUERY):
        sources = [s.model_copy(update={"path": f"{role}/{s.path}"}) for s in scan(root / role).sources]
        pools.append(by_class(sources))
    support, query = pools
    return Pool(root=root, support=support, query=query, names={})


def _folder(folder: str) -> Pool:
    from genie_cli.evaluate.episodes import Pool, by_class

    if not folder:
        raise UsageError("--dataset folder needs --data-dir: a folder with a subfolder of images per class")
    images = by_class(list_sources(Path(folder)))
    return Pool(Path(folder).resolve(), images, images, names={})


def _imagenet(dataset: DataSet, folder: str, partial: bool) -> Pool:
    from genie_cli.data.fewshot_sets import how_to_get, mini_imagenet, tiered_imagenet
    from genie_cli.evaluate.episodes import Pool, by_class

    if not folder:
        raise UsageError(
            f"--dataset {dataset} needs to know where the images lie: --data-dir FOLDER, or GENIE_DATA, or dir under "
            "[data] in genie.toml",
            how_to_get(dataset.value),
        )
    read = mini_imagenet if dataset is DataSet.MINI else tiered_imagenet
    found = read(Path(folder), partial=partial)
    words().print(f"{dataset}: {found.layout}", soft_wrap=True)
    images = by_class(found.sources)
    return Pool(found.root.resolve(), images, images, names=found.names)
