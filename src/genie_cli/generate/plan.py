"""From a request to a plan: sources and targets are combined, or a plan that was written before is read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data.class_names import ClassNames
from genie_cli.data.listing import is_folder
from genie_cli.diffusion.vocabulary import vocabulary
from genie_cli.errors import GenieError, UsageError, did_you_mean, shorten
from genie_cli.files.reading import look
from genie_cli.generate import metadata
from genie_cli.generate.plan_file import PlanFile, opened
from genie_cli.generate.request import ALL, PlanRequest, ratios_of
from genie_cli.generate.targets import KnownClasses
from genie_cli.header import Header
from genie_cli.jobs import Plan, Source
from genie_cli.observer import Observer
from genie_cli.recipe import Recipe, SourceIndex
from genie_cli.settings import flag_of, is_set

_NEARLY = 0.75  # of difflib's ratio: "brid" for "bird"
_SHOWN = 5


@dataclass(frozen=True)
class Planned:
    """A plan and where its sources lie.

    Attributes:
        source_root: folder that the sources' paths are relative to; None if no job has a source.
        recipe: what the jobs follow from, for the manifest's header; empty for a plan that was read.
        left_out: targets that nothing can be made for; the observer was told why.
        photos: the images of each class of the source folder.
    """

    jobs: Plan
    source_root: Path | None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    photos: Mapping[str, Sequence[Source]] = field(default_factory=dict)

    @property
    def classes(self) -> dict[str, int]:
        """The number of images of each class of the source folder."""
        return {label: len(self.photos[label]) for label in sorted(self.photos)}


@contextmanager
def planned(
    request: PlanRequest, settings: Settings, model: str, given: Set[str], observer: Observer
) -> Iterator[Planned]:
    """The plan that a request, which `request.check` has checked, asks for; it can be read while this is open.

    Args:
        model: identity of the model.
        given: keys of the settings that were typed.

    Raises:
        UsageError: no target has a source, or the plan was made for another model or other settings.
        FolderError: the source folder has no images in class folders.
        ManifestError: the plan is none, or has a bad line.
    """
    if not request.plan:
        yield _from_options(request, settings, model, observer)
        return
    with opened(request.plan) as file:
        yield _from_file(file, request.src_dir, settings, model, given, observer)


def _from_options(request: PlanRequest, settings: Settings, model: str, observer: Observer) -> Planned:
    from genie_cli.data.folder import list_sources

    sources = list_sources(request.src_dir, request.src_label, observer) if request.src_dir else ()
    index = SourceIndex(sources)
    recipe = _recipe(request.names, _targets(request, index, observer), settings, model)
    metadata.warn_of_times((*recipe.targets, *index.labels), observer)
    top_k = settings.generate.top_k
    if request.confusion:
        _require_common_classes(request.confusion, index, request.src_dir)
    possible = dict(_possible(recipe, index, request.confusion, top_k, observer))
    chosen = recipe.model_copy(
        update={"targets": tuple(possible), "sources_for": possible if request.confusion else {}}
    )
    asked_for = {**_stated(recipe), "sources_for": chosen.model_dump(mode="json")["sources_for"]}
    asked_for |= {"top_k": top_k} if request.confusion else {}
    asked_for |= {"src_label": request.src_label} if request.src_label else {}
    return Planned(
        jobs=chosen.jobs(index),
        source_root=request.src_dir and request.src_dir.resolve(),
        recipe=asked_for,
        left_out=tuple(target for target in recipe.targets if target not in possible),
        photos=index.by_label,
    )


def _recipe(names: ClassNames, targets: tuple[str, ...], settings: Settings, model: str) -> Recipe:
    """How the jobs are built, whether or not a target has sources; UsageError if it is not known what one is called."""
    wanted = settings.generate
    return Recipe(
        targets=targets,
        method=wanted.method,
        r=ratios_of(wanted),
        prompt=wanted.prompt,
        superclass=wanted.superclass,
        articles=not vocabulary(settings.model.name),  # a bundled model knows the prompts that it was trained with
        words={target: words for target in targets if (words := names.prompt_words(target)) != target},
        prompts={target: names.prompts[target] for target in targets if target in names.prompts},
        per_target=wanted.per_target,
        seed=wanted.seed,
        model=model,
    )


def _stated(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a header states it; what not every recipe has is left out where there is nothing to say."""
    may_lack = ("articles", "words", "prompts", "chosen_by")
    stated = recipe.model_dump(mode="json")
    return {name: value for name, value in stated.items() if value or name not in may_lack}


def _targets(request: PlanRequest, index: SourceIndex, observer: Observer) -> tuple[str, ...]:
    """The targets as the classes that they mean; tells of those that are probably misspelled.

    Raises:
        UsageError: see `KnownClasses.resolved`.
    """
    known = KnownClasses(index.labels, request.names, str(request.src_dir))
    meant = known.resolved(index.labels if request.targets == (ALL,) else request.targets)
    for name in [name for name, label in meant.items() if name != label][:_SHOWN]:
        observer.found(f"{name!r} is the class {meant[name]!r} of {request.src_dir}")
    words = [*index.labels, *map(request.names.words_of, index.labels)]
    new = [label for label in meant.values() if label not in index.by_label]
    similar = [(label, found) for label in new if (found := did_you_mean(label, words, _NEARLY))]
    for label, suggestion in similar[:_SHOWN]:
        observer.warning(
            f"{label!r} is not a class of {request.src_dir}{suggestion} "
            "As it stands it is a new class, and photos of the similar class become its sources"
        )
    if len(similar) > _SHOWN:
        observer.warning(f"{len(similar) - _SHOWN} more targets are spelled much like a class of {request.src_dir}")
    if unused := request.names.unused([*index.labels, *meant.values()]):
        observer.warning(f"{request.names.name}: {shorten(unused)} is neither a class of the sources nor a target")
    return tuple(dict.fromkeys(meant.values()))


def _possible(
    recipe: Recipe, index: SourceIndex, confusion: Confusion | None, k: int, observer: Observer
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Targets that have a source, each with the classes its sources must be of; the others are left out.

    Raises:
        UsageError: there is none; it is the first one's reason.
    """
    reasons: list[GenieError] = []
    for target in recipe.targets:
        try:
            hardest = _hardest(confusion, target, k, index, observer) if confusion else ()
            only = {target: hardest} if confusion else {}
            recipe.model_copy(update={"sources_for": only}).check(target, index)
        except UsageError as error:
            reasons.append(error)
        else:
            yield target, hardest
    if reasons and len(reasons) == len(recipe.targets):
        raise reasons[0]
    observer.left_out([str(reason) for reason in reasons])


def _require_common_classes(confusion: Confusion, index: SourceIndex, src_dir: Path | None) -> None:
    """A matrix of other classes altogether is a mistake about files, not about one target."""
    if not set(index.labels) & set(confusion.labels):
        raise UsageError(
            f"the confusion matrix and {src_dir} have no class in common: "
            f"the one has {shorten(confusion.labels)}, the other {shorten(index.labels)}",
            f"measure it on these images: genie confuse --src-dir {shlex.quote(str(src_dir))}",
        )


def _hardest(confusion: Confusion, target: str, k: int, index: SourceIndex, observer: Observer) -> tuple[str, ...]:
    """The classes most confused with a target.

    Raises:
        UsageError: the matrix has no such target or no confusions of it, or there are no images of those classes.
    """
    pairs = confusion.most_confused(target, k)
    missing = [name for name, _ in pairs if name not in index.by_label]
    if len(missing) == len(pairs):
        ranked = [name for name, _ in confusion.most_confused(target, len(confusion.labels))]
        reach = next((place for place, name in enumerate(ranked, 1) if name in index.by_label), 0)
        raise UsageError(
            f"no source for target {target!r}: it is most often confused with {listed(pairs)}, "
            f"and --src-dir has no images of {'it' if len(pairs) == 1 else 'these'}",
            f"--top-k {reach} reaches {ranked[reach - 1]}" if reach else f"classes found: {shorten(index.labels)}",
        )
    tell_hardest(target, pairs, observer)
    if missing:
        observer.left_out([f"sources of {', '.join(missing)} for {target}: --src-dir has no such images"])
    return tuple(name for name, _ in pairs)


def tell_hardest(target: str, pairs: tuple[tuple[str, int], ...], observer: Observer) -> None:
    """Tell which classes are a target's sources, with the counts that chose them."""
    observer.found(f"sources for {target}, the classes it is most often confused with: {listed(pairs)}")


def listed(pairs: tuple[tuple[str, int], ...]) -> str:
    """Classes with their counts: ``wolf (12), coyote (3)``."""
    return ", ".join(f"{name} ({count})" for name, count in pairs)


def _from_file(
    file: PlanFile, src_dir: Path | None, settings: Settings, model: str, given: Set[str], observer: Observer
) -> Planned:
    if others := sorted(file.models - {model}):
        raise UsageError(
            f"the plan was made for the model {', '.join(others)}, this is {model}",
            "give the plan's model with --model, --revision, --lora and --embedding, or plan again",
        )
    _compare_settings(file.header, settings, given, observer)
    return Planned(file.jobs, _root(file, src_dir) if file.uses_sources else None)


def _compare_settings(header: Header, settings: Settings, given: Set[str], observer: Observer) -> None:
    """A plan remembers the settings it was made with. Others must be meant, so somebody must have set them."""
    wanted = settings.generate
    if header.settings.probe and not wanted.probe:
        raise UsageError("the plan was made with --probe, this run is without", "give --probe, or plan again without")
    if wanted.probe and not header.settings.probe and "generate.probe" not in given:
        observer.warning("the plan was made without --probe; this run has it, as its settings say")
    for name in ("steps", "guidance", "negative_prompt"):
        before, now, flag = getattr(header.settings, name), getattr(wanted, name), flag_of(f"generate.{name}")
        if name == "negative_prompt" and header.settings.guidance is not None:  # an empty one is not stated
            before = before or ""
        if before in (None, now) or f"generate.{name}" in given or (name == "steps" and wanted.probe):
            continue
        before, now = (value if value != "" else "''" for value in (before, now))
        if not is_set(settings, f"generate.{name}"):
            raise UsageError(f"the plan was made with {flag} {before}, this run has {now}", f"say which: {flag}")
        observer.warning(f"the plan was made with {flag} {before}; this run has {now}, as its settings say")


def _root(file: PlanFile, src_dir: Path | None) -> Path:
    root = src_dir or (Path(file.header.source_root) if file.header.source_root else None)
    if root is None:
        raise UsageError(f"{file.name} does not say where its sources lie", "say it with --src-dir")
    if not is_folder(root):
        what = "is not a folder" if look(root) else "is not there"
        raise UsageError(f"the sources' folder {root} {what}", "say where it is now with --src-dir")
    return root.resolve()
