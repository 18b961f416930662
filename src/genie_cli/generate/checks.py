"""What can be told from the options alone: contradictions, and options that would be ignored.

It is told before a model is looked for, which can take a download.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from genie_cli import manifest
from genie_cli.config import Generate
from genie_cli.confuse.confusion import Confusion
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.errors import FolderError, ManifestError, UsageError
from genie_cli.generate.inputs import Inputs
from genie_cli.jobs import Method

_DECIDED_BY_A_PLAN = ("method", "r", "prompt", "superclass", "per_target", "top_k", "seed")


def check(inputs: Inputs, settings: Generate, given: set[str]) -> None:
    """Look at the options.

    Args:
        given: names of the settings that were given as options, since some do not go together.

    Raises:
        UsageError: options contradict each other, one would be ignored, or a file they name cannot be read.
        FolderError: the source folder is not there.
    """
    if inputs.src_dir and not inputs.src_dir.is_dir():
        raise FolderError(f"there is no folder {inputs.src_dir}", "check the spelling of --src-dir")
    if inputs.plan:
        _refuse_what_a_plan_decides(inputs, given)
        _check_plan(inputs.plan)
        return
    _check_sources(inputs, settings)
    if min(settings.ratios) < (least := smallest_ratio(settings.steps)):
        raise UsageError(f"--r {min(settings.ratios)} leaves no step to run out of {settings.steps}; least: {least}")
    if "top_k" in given and not inputs.confusion:
        raise UsageError("--top-k goes with --confusion")
    read_targets(inputs.targets)
    if inputs.confusion:
        Confusion.read(inputs.confusion)


def _refuse_what_a_plan_decides(inputs: Inputs, given: set[str]) -> None:
    decided = set(_DECIDED_BY_A_PLAN) & given
    decided |= {name for name in ("targets", "confusion", "src_label") if getattr(inputs, name) is not None}
    if decided:
        flags = ", ".join(sorted("--" + name.replace("_", "-") for name in decided))
        raise UsageError(f"a plan decides these itself: leave out {flags}")


def is_pipe(plan: str) -> bool:
    """Whether it can be read only once: standard input ("-"), or a pipe such as a shell's <(...)."""
    with suppress(OSError):  # whoever opens it says why it cannot be
        return plan == "-" or Path(plan).is_fifo()
    return False


def _check_plan(plan: str) -> None:
    """What can be read only once is read when the plan is."""
    if not is_pipe(plan):
        with open_plan(plan) as stream:
            manifest.read(stream, plan)


@contextmanager
def open_plan(plan: str) -> Iterator[TextIO]:
    """The plan's file, or standard input; ManifestError if it cannot be read."""
    try:
        with nullcontext(sys.stdin) if plan == "-" else Path(plan).open(encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise ManifestError(plan, 0, f"cannot be read: {error.strerror}") from None


def _check_sources(inputs: Inputs, settings: Generate) -> None:
    if settings.method is Method.TXT2IMG:
        if inputs.src_dir or inputs.confusion:
            raise UsageError("txt2img uses no sources: leave out --src-dir and --confusion, or choose another --method")
        if settings.ratios != (1.0,):
            raise UsageError("txt2img starts from pure noise: leave out --r")
        if not settings.per_target:
            raise UsageError("txt2img has no sources to count by", "say how many: --per-target 20")
    elif not inputs.src_dir:
        raise UsageError(f"{settings.method.value} needs source images: --src-dir FOLDER")
    if inputs.src_label is not None and not (inputs.src_dir and inputs.src_label.strip()):
        raise UsageError("--src-label names the class of the images in --src-dir: give both")
    if inputs.confusion and settings.method is not Method.GENIE:
        raise UsageError("--confusion chooses sources of other classes, which only --method genie uses")


def read_targets(text: str | None) -> tuple[str, ...]:
    """Class names, comma-separated, or one a line in the file after ``@``; blank ones are dropped, so are repeats.

    In Unicode's form NFC, as the names of class folders are: spelled otherwise a class would not be known as its own.
    """
    if text is None:
        raise UsageError("say what to make: --targets lynx,leopard, or --targets @names.txt")
    if text.startswith("@"):
        try:
            names = Path(text[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--targets: {text[1:]} cannot be read: {error}") from None
    else:
        names = text.split(",")
    found = tuple(dict.fromkeys(unicodedata.normalize("NFC", name.strip()) for name in names if name.strip()))
    if not found:
        raise UsageError(f"--targets {text!r} names no class")
    return found
