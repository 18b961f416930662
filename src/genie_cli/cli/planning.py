"""From options to a plan: sources and targets, or a plan that somebody else made."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli import manifest
from genie_cli.cli.console import words
from genie_cli.config import Generate
from genie_cli.confusion import Confusion
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.errors import FolderError, ManifestError, UsageError
from genie_cli.jobs import Job, Method, Recipe, Source


@dataclass(frozen=True)
class Inputs:
    """What a person says about the input, besides settings."""

    src_dir: Path | None
    src_label: str | None
    targets: str | None
    confusion: Path | None
    plan: str | None


@dataclass(frozen=True)
class Planned:
    """A plan, the folder its sources lie in, and the settings it follows from (for the manifest's header)."""

    jobs: tuple[Job, ...]
    source_root: Path | None
    settings: dict[str, Any]


def plan(inputs: Inputs, settings: Generate, model: str) -> Planned:
    """The plan that the options ask for.

    Args:
        model: identity of the model.

    Raises:
        UsageError: a target has no source, or the plan was made for another model.
    """
    if inputs.plan:
        return _from_file(inputs, model)
    listing = _list_sources(inputs) if inputs.src_dir else ()
    targets = read_targets(inputs.targets)
    recipe = Recipe(
        targets=targets,
        method=settings.method,
        r=settings.ratios,
        prompt=settings.prompt,
        superclass=settings.superclass,
        per_target=settings.per_target,
        seed=settings.seed,
        model=model,
        sources_for=_hardest(inputs.confusion, targets, settings.top_k),
    )
    jobs = tuple(recipe.jobs(listing))
    return Planned(jobs, inputs.src_dir and inputs.src_dir.resolve(), recipe.model_dump(mode="json"))


def check(inputs: Inputs, settings: Generate, given: set[str]) -> None:
    """Look at the options before a model is looked for, which can take a download.

    Args:
        given: names of the settings that were given as options, since some do not go together.

    Raises:
        UsageError: options contradict each other, or one would be ignored.
        FolderError: the source folder is not there.
    """
    if inputs.src_dir and not inputs.src_dir.is_dir():
        raise FolderError(f"there is no folder {inputs.src_dir}", "check the spelling of --src-dir")
    if inputs.plan:
        _refuse_what_a_plan_decides(inputs, given)
    else:
        _refuse_ignored(inputs, settings, given)


def _refuse_what_a_plan_decides(inputs: Inputs, given: set[str]) -> None:
    decided = {"method", "r", "prompt", "superclass", "per_target", "top_k", "seed"} & given
    decided |= {name for name in ("targets", "confusion", "src_label") if getattr(inputs, name) is not None}
    if decided:
        flags = ", ".join(sorted("--" + name.replace("_", "-") for name in decided))
        raise UsageError(f"a plan decides these itself: leave out {flags}")


def _refuse_ignored(inputs: Inputs, settings: Generate, given: set[str]) -> None:
    txt2img = settings.method is Method.TXT2IMG
    if min(settings.ratios) < (least := smallest_ratio(settings.steps)):
        raise UsageError(f"--r {min(settings.ratios)} leaves no step to run out of {settings.steps}; least: {least}")
    if not inputs.targets:
        raise UsageError("say what to make: --targets lynx,ocelot, or --targets @names.txt")
    if not inputs.src_dir and not txt2img:
        raise UsageError(f"{settings.method.value} needs source images: --src-dir FOLDER")
    if txt2img and (inputs.src_dir or inputs.confusion):
        raise UsageError("txt2img uses no sources: leave out --src-dir and --confusion, or choose another --method")
    if txt2img and settings.ratios != (1.0,):
        raise UsageError("txt2img starts from pure noise: leave out --r")
    if inputs.src_label is not None and not inputs.src_dir:
        raise UsageError("--src-label names the class of the images in --src-dir, which is missing")
    if inputs.confusion and settings.method is not Method.GENIE:
        raise UsageError("--confusion chooses sources of other classes, which only --method genie uses")
    if "top_k" in given and not inputs.confusion:
        raise UsageError("--top-k goes with --confusion")


def read_targets(text: str | None) -> tuple[str, ...]:
    """Class names, comma-separated, or one a line in the file after ``@``; blank ones are dropped, so are repeats.

    In Unicode's form NFC, as the names of class folders are: spelled otherwise a class would not be known as its own.
    """
    if text and text.startswith("@"):
        try:
            names = Path(text[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--targets: {text[1:]} cannot be read: {error}") from None
    else:
        names = (text or "").split(",")
    found = tuple(dict.fromkeys(unicodedata.normalize("NFC", name.strip()) for name in names if name.strip()))
    if not found:
        raise UsageError(f"--targets {text!r} names no class")
    return found


def _list_sources(inputs: Inputs) -> Sequence[Source]:
    if inputs.src_label is not None and not inputs.src_label.strip():
        raise UsageError("--src-label is empty: name the class of the images in --src-dir")
    assert inputs.src_dir is not None  # noqa: S101 - the caller has looked
    from genie_cli.data.folders import scan

    listing = scan(inputs.src_dir, inputs.src_label)
    for path, reason in listing.ignored[:5]:
        words().print(f"left out: {path} {reason}")
    if (more := len(listing.ignored) - 5) and more > 0:
        words().print(f"left out: {more} more")
    return listing.sources


def _hardest(file: Path | None, targets: Sequence[str], k: int) -> dict[str, tuple[str, ...]]:
    """The most confused classes of each target, which are also shown, with the counts that chose them."""
    if file is None:
        return {}
    confusion = Confusion.read(file)
    chosen = {}
    for target in targets:
        pairs = confusion.most_confused(target, k)
        chosen[target] = tuple(name for name, _ in pairs)
        listed = ", ".join(f"{name} ({count})" for name, count in pairs)
        words().print(f"sources for {target}, and how often it is taken for them: {listed}")
    return chosen


def _from_file(inputs: Inputs, model: str) -> Planned:
    assert inputs.plan  # noqa: S101 - the caller has looked
    name = "standard input" if inputs.plan == "-" else inputs.plan
    try:
        with nullcontext(sys.stdin) if inputs.plan == "-" else Path(inputs.plan).open(encoding="utf-8") as stream:
            document = manifest.read(stream, name)
            jobs = tuple({job.id: job for job in document.jobs()}.values())
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(name, 0, f"cannot be read: {error}") from None
    if not jobs:
        raise ManifestError(name, 0, "has no jobs")
    if others := sorted({job.model for job in jobs} - {model}):
        raise UsageError(
            f"the plan was made for the model {', '.join(others)}, this is {model}",
            "give the plan's model with --model and --revision, or plan again",
        )
    return Planned(jobs, _root(inputs, document.header.source_root, jobs, name), {})


def _root(inputs: Inputs, recorded: str | None, jobs: Sequence[Job], name: str) -> Path | None:
    if not any(job.source for job in jobs):
        return None
    root = inputs.src_dir or (Path(recorded) if recorded else None)
    if root is None:
        raise UsageError(f"{name} does not say where its sources lie", "say it with --src-dir")
    if not root.is_dir():
        raise UsageError(f"the sources' folder {root} is not there", "say where it is now with --src-dir")
    return root.resolve()
