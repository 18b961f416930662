"""A person's files: photographs in class folders, a data set with two splits, settings of their own."""

from __future__ import annotations

from pathlib import Path

from genie_cli.data.digits.paint import DigitsInTheWild

_CLASSES = ("three", "seven", "eight")


def make(folder: Path) -> None:
    """Write them into a new folder."""
    folder.mkdir()
    _paint(folder / "photos", 3)
    _paint(folder / "split/train", 4)
    _paint(folder / "split/test", 6, first=4)
    (folder / "own.toml").write_text("[generate]\nsteps = 20\n")
    (folder / "own.csv").write_text("true,predicted\n" + "three,seven\nseven,seven\neight,three\n" * 3)


def _paint(folder: Path, count: int, first: int = 0) -> None:
    """The images ``first`` to ``count`` of each class."""
    everything = folder.with_name(f"{folder.name}-all")
    DigitsInTheWild("test").save(everything, count)
    for label in _CLASSES:
        (folder / label).mkdir(parents=True)
        for path in sorted((everything / label).iterdir())[first:]:
            path.rename(folder / label / path.name)
    _remove(everything)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
