"""Long-tailed data sets (paper, section 4.2): ImageNet-LT by its lists, or any folder with training and test images.

What is learned from is long-tailed; what is tested on has about as many images of each class. Part of ImageNet-LT is
another benchmark, so less than was published is an error unless ``partial`` is asked for.

This module does not know torch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genie_cli.data import finegrained_sets
from genie_cli.data.finegrained_lists import Image, Lists, below, lines_of, lists_of
from genie_cli.data.folder import require_folder, saying
from genie_cli.data.ilsvrc import PLACES, VALIDATION_PLACES, WNID
from genie_cli.data.imagenet import distinct_names, in_words, wnids
from genie_cli.data.longtail_published import IMAGENET_LT, Dataset, how_to_get, require_whole
from genie_cli.data.splits import existing, lists_in, no_layout, shared, size_in_words, sources_of, there
from genie_cli.errors import FolderError, UsageError
from genie_cli.jobs import Source

__all__ = ["Dataset", "LongTailed", "how_to_get", "read"]

# Where a listed image may lie below the folder, by the WordNet id of its class and its own name.
_TRAINING_PATHS = tuple(f"{place}/{{wnid}}/{{name}}".lstrip("/") for place in PLACES)
_TEST_PATHS = tuple(f"{place}/{path}" for place in VALIDATION_PLACES for path in ("{wnid}/{name}", "{name}"))


@dataclass(frozen=True)
class LongTailed:
    """What an evaluator reads.

    Attributes:
        root: the folder that the sources' paths are relative to.
        train, test: the sources of either split, by label and then by path. Both have the same classes.
        classes: their labels in the order of a classifier's outputs: of ImageNet-LT the WordNet ids in the order of
            the lists' numbers; else sorted.
        names: a label's words for prompts, where those are not the label itself.
        layout: what was found, in words, with numbers; also how much of what was published, if not all.
    """

    root: Path
    train: tuple[Source, ...]
    test: tuple[Source, ...]
    classes: tuple[str, ...]
    names: Mapping[str, str]
    layout: str


def read(dataset: Dataset, root: Path, *, lists: Path | None = None, partial: bool = False) -> LongTailed:
    """Read a long-tailed data set.

    Args:
        dataset: ImageNet-LT (Liu et al. 2019), or any ``folder`` with ``train`` and ``test``, or else ``val``.
        root: a folder in one of the layouts of ``how_to_get(dataset)``.
        lists: the folder of ImageNet-LT's lists, if they do not lie with the images.
        partial: accept shorter lists than the published ones, leave out what is listed but missing, and classes that
            lack either split; ``layout`` then says how much is left.

    Raises:
        FolderError: no layout that is known, or not the whole data set: with what was expected and found.
        UsageError: there is no such data set, or it is not one of lists.
    """
    if lists is not None and dataset != "imagenet-lt":
        raise UsageError(f"{dataset} is read without lists", "only imagenet-lt has them")
    require_folder(root)
    with saying(how_to_get(dataset)):
        found = _imagenet_lt(root, lists, partial) if dataset == "imagenet-lt" else _folder(root, partial)
    counts = Counter(source.label for source in found.train).values()
    return replace(found, layout=f"{found.layout}; {min(counts)} to {max(counts)} training images a class")


def _folder(root: Path, partial: bool) -> LongTailed:
    found = finegrained_sets.read("folder", root, partial=partial)
    names = {label: words for label, words in found.names.items() if words != label}
    return LongTailed(found.root, found.train, found.test, tuple(sorted(found.names)), names, found.layout)


def _imagenet_lt(root: Path, lists: Path | None, partial: bool) -> LongTailed:
    where, listed = _listed(root, lists)
    if not partial:
        require_whole(listed.train, listed.test, lists or root)
    train_at, train = _placed(root, _TRAINING_PATHS, listed.train)
    test_at, test = _placed(root, _TEST_PATHS, listed.test)
    splits = [there(root, split, images, partial) for split, images in (("training", train), ("test", test))]
    train_sources, test_sources = (sources_of(root, images, partial) for images in shared(root, splits, partial))
    kept = {source.label for source in train_sources}
    classes = tuple(wnid for wnid in wnids() if wnid in kept)
    size = size_in_words(IMAGENET_LT, train_sources, test_sources)
    layout = f"ImageNet-LT by its lists{where}, images in {train_at} and {test_at}; {size}"
    return LongTailed(root, train_sources, test_sources, classes, distinct_names(classes), layout)


def _listed(root: Path, lists: Path | None) -> tuple[str, Lists]:
    """Where the lists lie, in words, and what they name."""
    require_folder(lists or root)
    found = lists_in(IMAGENET_LT, lists or root)
    if found is None:
        raise no_layout(IMAGENET_LT, lists or root)
    place, (train, test) = found
    where = f" in {lists / place}" if lists else f" in {place}" if place else ""
    return where, lists_of(train.parent, list(_entries(train)), list(_entries(test)))


def _entries(file: Path) -> Iterator[Image]:
    """The lines ``relative/path label`` of a list: path, and the WordNet id that is the label's when ids are sorted."""
    in_order = wnids()
    for number, line in lines_of(file):
        match = re.fullmatch(r"(\S+)\s+([0-9]{1,3})", line, re.ASCII)
        if not match:
            expected = "expected a line such as 'train/n01440764/n01440764_190.JPEG 0', with a label from 0 to 999"
            raise FolderError(f"{file}, line {number}: {expected}; found {line[:80]!r}")
        path, wnid = below(file, match[1]), in_order[int(match[2])]
        for other in WNID.findall(path):
            if other != wnid:
                expected = f"expected label {match[2]} to be {in_words(wnid)}, as WordNet ids are sorted"
                raise FolderError(f"{file}, line {number}: {expected}; found {path}")
        yield path, wnid


def _placed(root: Path, templates: Sequence[str], images: Sequence[Image]) -> tuple[str, list[Image]]:
    """The images where most of them lie, in words and as paths below ``root``.

    If none is found, they are as listed: `there` says what is missing.
    """
    names = [(path.rpartition("/")[2], wnid) for path, wnid in images]
    places = [
        (template, [(template.format(wnid=wnid, name=name), wnid) for name, wnid in names])
        for template in templates
        if (root / template.partition("{")[0]).is_dir()
    ]
    found = [len(existing(root, (path for path, _ in placed))) for _, placed in places]
    if not any(found):
        return "", list(images)
    template, placed = places[found.index(max(found))]
    return template.format(wnid="<class>", name="").rstrip("/") or "the folder itself", placed
