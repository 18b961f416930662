"""What is known of a published data set: its size, its layouts, its names, and where to get it.

Each data set has a file with its `Published`, the reader of its lists and `read`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from genie_cli.data.class_words import words_of
from genie_cli.data.lists import Lists
from genie_cli.errors import FolderError

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Size:
    """The published size of a split.

    Attributes:
        classes: number of classes.
        images: number of images of all classes.
        per_class: fewest and most images of a class; None: not published, or of no use.
    """

    classes: int
    images: int
    per_class: tuple[int, int] | None = None


def split_folders(*names: str) -> tuple[str, ...]:
    """Where few-shot code keeps lists: in split/ and the like, or in a folder of the data set's name there."""
    return tuple(f"{place}/{name}".rstrip("/") for place in ("split", "splits", "filelists") for name in ("", *names))


@dataclass(frozen=True)
class Published:
    """One data set.

    Attributes:
        title: its name in messages.
        how_to_get: the layouts that are read, and where to get the data set, in full sentences.
        sizes: of each split; empty if the data set may be of any size.
        superclass: what all classes are a type of, for prompts: "bird"; empty: nothing.
        files: names of the list files, each under any of its spellings; all of them are needed.
        list_folders: where the lists may lie below the data set's folder; "" is that folder itself.
        read_lists: reads ``files``, in their order, into class names as they were published, and paths below the
            folder of the lists. None: there are no lists, or they are read split by split, as few-shot lists are.
        class_folders: where ``train`` and ``test`` with a folder per class may lie, if there are no lists.
        tidy: pattern and replacement for published class names, before `class_words.words_of` makes words of them.
        labels_are_names: the label of a class is its name in words; else it is the name of its folder.
        note: a remark on the number of classes.
    """

    title: str
    how_to_get: str
    sizes: Mapping[Split, Size] = field(default_factory=dict)
    superclass: str = ""
    files: tuple[tuple[str, ...], ...] = ()
    list_folders: tuple[str, ...] = ()
    read_lists: Callable[[Sequence[Path]], Lists] | None = None
    class_folders: tuple[str, ...] = ()
    tidy: tuple[str, str] = ("", "")
    labels_are_names: bool = True
    note: str = ""

    def in_words(self, name: str) -> str:
        """A class name as a prompt has it: "Black footed Albatross" for ``001.Black_footed_Albatross``."""
        return words_of(re.sub(*self.tidy, name))

    @contextmanager
    def hinting(self) -> Iterator[None]:
        """Add ``how_to_get`` to the hint of every FolderError that is raised inside."""
        try:
            yield
        except FolderError as error:
            if self.how_to_get not in error.hint:
                error.hints += tuple(self.how_to_get.splitlines())
            raise
