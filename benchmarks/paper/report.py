"""Puts the tables of docs/results/*.csv into docs/results.md: `python -m benchmarks.paper.report`.

A table stands between `<!-- table NAME -->` and `<!-- end -->`. A test holds the page to the files.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from genie_cli.evaluate.augmentations import AugmentationName

_Row = Mapping[str, str]
_PLACE = re.compile(r"(<!-- table (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_METHODS = {"genie": "GeNIe", "img2img": "Img2Img"}
_NAMES = {
    "cutmix": "CutMix",
    "mixup": "MixUp",
    "img2img-l": "Img2Img-L",
    "img2img-h": "Img2Img-H",
    "txt2img": "Txt2Img",
    "txt2img-paste": "Txt2Img, pasted",
    "genie-ada": "GeNIe-Ada",
    "genie-ada by probe": "GeNIe-Ada by probe",
    "genie-ada-random": "GeNIe-Ada, r at random",
    "repeat": "real images repeated",
    "paste": "real objects pasted",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, default=Path("docs/results"), help="folder of the CSV files")
    parser.add_argument("--page", type=Path, default=Path("docs/results.md"))
    options = parser.parse_args()
    options.page.write_text(filled(options.page.read_text(encoding="utf-8"), options.tables), encoding="utf-8")


def filled(page: str, tables: Path) -> str:
    """The page with every table as its file has it."""
    return _PLACE.sub(lambda found: found[1] + "\n".join(table(found[2], tables)) + "\n" + found[4], page)


def table(name: str, tables: Path) -> list[str]:
    """The lines of a table in Markdown."""
    with (tables / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return _kind(name)(rows)


def _kind(name: str) -> Callable[[Sequence[_Row]], list[str]]:
    if name == "ada":
        return _ada
    if name == "primary":
        return _primary
    if name == "figure4":
        return _figure4
    if name == "oracle":
        return _oracle
    if name in ("counts", "hardness"):
        return _by_folder
    if name.startswith("long-tail"):
        return _long_tail_differences if name.endswith("differences") else _long_tail
    if name == "authors-singly":
        return _singly
    return _differences if name.endswith("differences") else _accuracies


def label_of(augmentation: str) -> str:
    """An augmentation's name in prose: "GeNIe, r = 0.8"."""
    method, _, ratio = augmentation.partition(" r=")
    return f"{_METHODS[method]}, r = {ratio}" if ratio else _NAMES.get(augmentation, augmentation)


def _primary(rows: Sequence[_Row]) -> list[str]:
    settings = {"digits": "plain", "digits-spurious-background": "class correlates with background"}
    head = ("backbone", "support set", "shots", "GeNIe minus Txt2Img", "over episodes", "over pools", "p, adjusted")
    body = [
        (
            f"`{row['backbone']}`",
            settings[row["data"]],
            row["shots"],
            f"**{_signed(row['difference'])} ± {_two(row['clustered_interval'])}**",
            f"± {_two(row['episode_interval'])}",
            f"± {_two(row['pool_interval'])}" if row["pool_interval"] else "",
            _p(row["adjusted"]),
        )
        for row in sorted(rows, key=lambda row: row["backbone"] == "digits")
    ]
    return _markdown(head, body)


def _accuracies(rows: Sequence[_Row]) -> list[str]:
    columns = list(dict.fromkeys((row["backbone"], row["shots"]) for row in rows))
    head = ("augmentation", *(f"`{backbone}`, {shots}-shot" for backbone, shots in columns))
    cells = {
        (row["augmentation"], row["backbone"], row["shots"]): (
            f"{_two(row['accuracy'])} ± {_two(row['clustered_interval'])}"
        )
        for row in rows
    }
    names = sorted({row["augmentation"] for row in rows}, key=_place)
    return _markdown(head, [(label_of(name), *(cells.get((name, *each), "") for each in columns)) for name in names])


def _oracle(rows: Sequence[_Row]) -> list[str]:
    """A row for each noise ratio and use of the oracle."""
    uses = {"digits": "all images", "consistent": "consistent ones only", "soft": "soft labels"}
    columns = list(dict.fromkeys((row["backbone"], row["shots"]) for row in rows))
    cells = {(row["augmentation"], row["data"], row["backbone"], row["shots"]): _two(row["accuracy"]) for row in rows}
    names = sorted({row["augmentation"] for row in rows}, key=_place)
    body = [
        (label_of(name), uses[use], *(cells.get((name, use, *each), "") for each in columns))
        for name in names
        for use in uses
    ]
    return _markdown(("augmentation", "used", *(f"`{backbone}`, {shots}-shot" for backbone, shots in columns)), body)


def _place(label: str) -> tuple[int, str]:
    """Where an augmentation stands in a table."""
    name = label.partition(" ")[0]
    return [each.value for each in AugmentationName].index(name), label


def _singly(rows: Sequence[_Row]) -> list[str]:
    """A row for each difference from the authors' code and augmentation: with it less without it."""
    columns = list(dict.fromkeys((row["backbone"], row["shots"]) for row in rows))
    cells = {
        (row["data"], row["augmentation"], row["backbone"], row["shots"]): (
            f"{_signed(row['difference'])} ± {_two(row['clustered_interval'])}"
        )
        for row in rows
    }
    body = [
        (what.replace("-", " "), label_of(name), *(cells.get((what, name, *each), "") for each in columns))
        for what, name in dict.fromkeys((row["data"], row["augmentation"]) for row in rows)
    ]
    head = ("as the authors' code", "augmentation", *(f"`{backbone}`, {shots}-shot" for backbone, shots in columns))
    return _markdown(head, body)


def _differences(rows: Sequence[_Row]) -> list[str]:
    columns = list(dict.fromkeys((row["backbone"], row["shots"]) for row in rows))
    head = ("", *(f"`{backbone}`, {shots}-shot" for backbone, shots in columns))
    cells = {
        (row["data"], row["augmentation"], row["baseline"], row["backbone"], row["shots"]): (
            f"{_signed(row['difference'])} ± {_two(row['clustered_interval'])}"
        )
        for row in rows
    }
    pairs = dict.fromkeys(key[:3] for key in cells)
    body = [
        (f"{label_of(one)} minus {label_of(other)}", *(cells.get((data, one, other, *each), "") for each in columns))
        for data, one, other in pairs
    ]
    return _markdown(head, body)


def _ada(rows: Sequence[_Row]) -> list[str]:
    head = ("backbone", "shots", "the choice", "share of each r among the images used, %", "denoising steps per image")
    shown = ("backbone", "shots", "augmentation", "chosen", "denoising_steps")
    return _markdown(
        head, [tuple(label_of(row[name]) if name == "augmentation" else row[name] for name in shown) for row in rows]
    )


def _by_folder(rows: Sequence[_Row]) -> list[str]:
    """A row for each number of images, or for each band of hardness, and each augmentation."""
    kind = rows[0]["data"].partition("-")[0]
    columns = list(dict.fromkeys((row["backbone"], row["shots"]) for row in rows))
    cells = {(row["data"], row["augmentation"], row["backbone"], row["shots"]): _two(row["accuracy"]) for row in rows}
    first = {"counts": "images per class", "hardness": "quantiles of hardness"}[kind]
    body = [
        (
            folder.removeprefix(f"{kind}-").replace("-", " to "),
            label_of(name),
            *(cells.get((folder, name, *each), "") for each in columns),
        )
        for folder, name in dict.fromkeys((row["data"], row["augmentation"]) for row in rows)
    ]
    return _markdown((first, "augmentation", *(f"`{backbone}`, {shots}-shot" for backbone, shots in columns)), body)


def _long_tail(rows: Sequence[_Row]) -> list[str]:
    groups = list(dict.fromkeys(row["group"] for row in rows))
    cells = {(row["augmentation"], row["group"]): f"{_one(row['accuracy'])} ± {_one(row['interval'])}" for row in rows}
    names = dict.fromkeys(row["augmentation"] for row in rows)
    body = [(label_of(name), *(cells[name, group] for group in groups)) for name in names]
    return _markdown(("augmentation", *(group.capitalize() for group in groups)), body)


def _long_tail_differences(rows: Sequence[_Row]) -> list[str]:
    groups = list(dict.fromkeys(row["group"] for row in rows))
    cells = {
        (row["augmentation"], row["baseline"], row["group"]): (
            f"{_signed(row['difference'])} ± {_one(row['pool_interval'])} (± {_one(row['two_way_interval'])})"
        )
        for row in rows
    }
    pairs = dict.fromkeys(key[:2] for key in cells)
    body = [(f"{label_of(a)} minus {label_of(b)}", *(cells[a, b, group] for group in groups)) for a, b in pairs]
    return _markdown(("", *(group.capitalize() for group in groups)), body)


def _figure4(rows: Sequence[_Row]) -> list[str]:
    head = ("backbone", "images", "to the other class", "to the target's class", "nearer to the other class")
    body = [
        (
            f"`{row['backbone']}`",
            label_of(row["kind"]),
            _two(row["to_source"]),
            _two(row["to_target"]),
            f"{100 * float(row['nearer_source']):.1f} %",
        )
        for row in rows
    ]
    return _markdown(head, body)


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _one(text: str) -> str:
    return f"{float(text):.1f}" if text else ""


def _two(text: str) -> str:
    return f"{float(text):.2f}" if text else ""


def _signed(text: str) -> str:
    return f"{float(text):+.2f}"


def _p(text: str) -> str:
    return "" if not text else "< .001" if float(text) < 0.001 else f"{float(text):.3f}".removeprefix("0")


if __name__ == "__main__":
    main()
