"""From options to a plan: sources and targets, or a plan that somebody else made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.cli._console import say_left_out, words
from genie_cli.config import Generate
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import GenieError, UsageError, shorten
from genie_cli.generate.checks import read_targets
from genie_cli.generate.inputs import Inputs
from genie_cli.generate.plan_file import PlanFile, opened
from genie_cli.jobs import Plan, Recipe, Source
from genie_cli.manifest import Header


@dataclass(frozen=True)
class Planned:
    """A plan, the folder its sources lie in, and the settings it follows from (for the manifest's header).

    ``left_out`` are targets that nothing can be made for; the person has been told why.
    """

    jobs: Plan
    source_root: Path | None
    settings: dict[str, Any]
    left_out: tuple[str, ...] = ()


@contextmanager
def plan(inputs: Inputs, settings: Generate, model: str, given: set[str]) -> Iterator[Planned]:
    """The plan that the options, which `checks.check` has looked at, ask for; it can be read while this is open.

    Args:
        model: identity of the model.
        given: names of the settings that were given as options.

    Raises:
        UsageError: no target has a source, or the plan was made for another model or other settings.
        ManifestError: the plan is none, or has a bad line.
    """
    if not inputs.plan:
        yield _from_options(inputs, settings, model)
        return
    with opened(inputs.plan) as file:
        yield _from_file(file, inputs, settings, model, given)


def _from_options(inputs: Inputs, settings: Generate, model: str) -> Planned:
    sources = list_sources(inputs.src_dir, inputs.src_label) if inputs.src_dir else ()
    recipe = Recipe(
        targets=read_targets(inputs.targets),
        method=settings.method,
        r=settings.ratios,
        prompt=settings.prompt,
        superclass=settings.superclass,
        per_target=settings.per_target,
        seed=settings.seed,
        model=model,
    )
    confusion = Confusion.read(inputs.confusion) if inputs.confusion else None
    if confusion:
        _require_common_classes(confusion, sources, inputs)
    possible = dict(_possible(recipe, sources, confusion, settings.top_k))
    chosen = recipe.model_copy(update={"targets": tuple(possible), "sources_for": possible if confusion else {}})
    asked_for = {**recipe.model_dump(mode="json"), "sources_for": chosen.model_dump(mode="json")["sources_for"]}
    left_out = tuple(target for target in recipe.targets if target not in possible)
    return Planned(chosen.jobs(sources), inputs.src_dir and inputs.src_dir.resolve(), asked_for, left_out)


def list_sources(folder: Path, label: str | None = None) -> Sequence[Source]:
    """A folder's images, as `data.folders.scan` finds them; what it leaves out is shown."""
    from genie_cli.data.folder import scan

    listing = scan(folder, label)
    if label is not None and any("/" in source.path for source in listing.sources):
        words().print(f"--src-label: images in subfolders count as {label!r}, too")
    say_left_out([f"{path} {reason}" for path, reason in listing.ignored])
    return listing.sources


def _possible(
    recipe: Recipe, sources: Sequence[Source], confusion: Confusion | None, k: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Targets that have a source, each with the classes its sources must be of; the others are said, with why.

    Raises:
        UsageError: there is none; it is the first one's reason.
    """
    reasons: list[GenieError] = []
    for target in recipe.targets:
        try:
            hardest = _hardest(confusion, target, k, sources) if confusion else ()
            recipe.model_copy(update={"sources_for": {target: hardest} if confusion else {}}).check(target, sources)
        except UsageError as error:
            reasons.append(error)
        else:
            yield target, hardest
    if len(reasons) == len(recipe.targets):
        raise reasons[0]
    for reason in reasons:
        words().print(f"left out: {reason}")


def _require_common_classes(confusion: Confusion, sources: Sequence[Source], inputs: Inputs) -> None:
    """A matrix of other classes altogether is a mistake about files, not about one target."""
    found = sorted({source.label for source in sources})
    if not set(found) & set(confusion.labels):
        raise UsageError(
            f"{inputs.confusion} and {inputs.src_dir} have no class in common: "
            f"the one has {shorten(confusion.labels)}, the other {shorten(found)}",
            f"measure it on these images: genie confuse --src-dir {shlex.quote(str(inputs.src_dir))}",
        )


def _hardest(confusion: Confusion, target: str, k: int, sources: Sequence[Source]) -> tuple[str, ...]:
    """The most confused classes of a target, which are also shown, with the counts that chose them.

    Raises:
        UsageError: the matrix does not know the target or has no class for it, or there are no images of those.
    """
    pairs = confusion.most_confused(target, k)
    listed = ", ".join(f"{name} ({count})" for name, count in pairs)
    found = {source.label for source in sources}
    missing = [name for name, _ in pairs if name not in found]
    if len(missing) == len(pairs):
        ranked = [name for name, _ in confusion.most_confused(target, len(confusion.labels))]
        reach = next((place for place, name in enumerate(ranked, 1) if name in found), 0)
        raise UsageError(
            f"no source for target {target!r}: it is most often taken for {listed}, "
            f"and --src-dir has no images of {'it' if len(pairs) == 1 else 'these'}",
            f"--top-k {reach} reaches {ranked[reach - 1]}" if reach else f"classes found: {shorten(sorted(found))}",
        )
    say_hardest(target, pairs)
    if missing:
        words().print(f"no images in --src-dir, so no sources for {target}: {', '.join(missing)}", soft_wrap=True)
    return tuple(name for name, _ in pairs)


def say_hardest(target: str, pairs: Sequence[tuple[str, int]]) -> None:
    """Show a target's sources, with the counts that chose them."""
    listed = ", ".join(f"{name} ({count})" for name, count in pairs)
    words().print(f"sources for {target}, and how often it is taken for them: {listed}", soft_wrap=True)


def _from_file(file: PlanFile, inputs: Inputs, settings: Generate, model: str, given: set[str]) -> Planned:
    if others := sorted(file.models - {model}):
        raise UsageError(
            f"the plan was made for the model {', '.join(others)}, this is {model}",
            "give the plan's model with --model and --revision, or plan again",
        )
    _refuse_other_settings(file.header, settings, given)
    return Planned(file.jobs, _root(file, inputs.src_dir) if file.uses_sources else None, {})


def _refuse_other_settings(header: Header, settings: Generate, given: set[str]) -> None:
    """A plan remembers the settings it was made with; others must be meant, so they must be given."""
    for key in ("steps", "guidance"):
        before, now = header.settings.get(key), getattr(settings, key)
        if before is not None and before != now and key not in given:
            raise UsageError(f"the plan was made with --{key} {before}, this run has {now}", f"say which: --{key}")


def _root(file: PlanFile, src_dir: Path | None) -> Path:
    root = src_dir or (Path(file.header.source_root) if file.header.source_root else None)
    if root is None:
        raise UsageError(f"{file.name} does not say where its sources lie", "say it with --src-dir")
    if not root.is_dir():
        raise UsageError(f"the sources' folder {root} is not there", "say where it is now with --src-dir")
    return root.resolve()
