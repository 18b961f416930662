"""Options that say what the work is, for every script that starts arms. Does not import torch."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from benchmarks.work import TARGETS, Work
from genie_cli.files.cache import cache

DTYPES = ("float32", "bfloat16", "float16")


def add_work(parser: argparse.ArgumentParser, sources: int, targets: int) -> None:
    """The options of the work, with how many sources and targets there are unless one says so."""
    add = parser.add_argument
    add("--model", default="digits", help="digits, sd15-shaped (random weights), or what genie generate takes")
    add("--sources", type=int, default=sources, metavar="S", help="source images")
    add("--targets", type=int, default=targets, metavar="T", choices=range(1, len(TARGETS) + 1), help="1 to 9")
    add("--r", type=numbers, default=(0.8,), help="noise ratios, such as .5,.6,.7,.8,.9")
    add("--steps", type=int, default=50, help="steps of the full schedule; r * steps of them run")
    add("--guidance", type=float, default=7.5)
    add("--device", default="auto")
    add("--dtype", default="float32", choices=DTYPES)
    add("--check", type=int, default=2, metavar="N", help="images to warm up with and to compare unrounded")
    add("--genie-args", type=shlex.split, default=[], help="more options of genie generate: --genie-args '--slots 8'")
    add("--cache", type=Path, default=cache() / "benchmarks", help="where the random weights are kept")
    add("--json", type=Path, help="write every figure to this file")


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def work_from(options: argparse.Namespace, folder: Path) -> Work:
    """The work that the options ask for, with its files in ``folder``."""
    names = ("cache", "model", "sources", "r", "steps", "guidance", "device", "dtype", "check")
    return Work(
        folder=folder,
        targets=tuple(TARGETS[: options.targets]),
        genie_args=tuple(options.genie_args),
        **{name: getattr(options, name) for name in names},
    )
