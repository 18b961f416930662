"""The generated images that an evaluator needs: planned, made at once, or read from manifests."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genie_cli import manifest
from genie_cli.config import Data, Format, Settings
from genie_cli.data import catalog, class_names, imagenet
from genie_cli.data.class_names import ClassNames
from genie_cli.data.dataset import Dataset
from genie_cli.diffusion.vocabulary import vocabulary
from genie_cli.errors import shorten
from genie_cli.evaluate.checks import split_of
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.files.folders import require_folder, require_free
from genie_cli.files.writing import replace_atomically, require_own
from genie_cli.generate.plan import Planned
from genie_cli.generate.run import Run
from genie_cli.jobs import Job, Plan
from genie_cli.observer import Observer
from genie_cli.prompts import prompts_of
from genie_cli.recipe import Recipe
from genie_cli.settings import field_of, flag_of, is_set

if TYPE_CHECKING:
    from genie_cli.diffusion.locate import Located

_PLAN = '{"kind":"genie.plan"'  # how every plan file begins

# What `command_for` must repeat: the settings that decide the images and that the jobs themselves do not say.
_HOW = (
    "model.name",
    "model.revision",
    "model.lora",
    "model.embedding",
    "generate.steps",
    "generate.guidance",
    "generate.negative_prompt",
    "model.dtype",
    "model.slots",
    "model.attention",
    "model.compile",
)


_NO_NAMES = ClassNames()


def prompts_for(
    settings: Settings, dataset: Dataset, names: ClassNames = _NO_NAMES, *, all_words: bool = False
) -> Callable[[str], tuple[str, ...]]:
    """The prompts for each class, of which each job has one; see `prompts.prompts_of`.

    They are its own templates, else those of the settings, with its words, and the superclass: what anybody has set,
    which may be nothing, or else the data set's.

    Args:
        dataset: a data set as `named` returns it.
        names: what a person says that classes are called.
        all_words: use all words that ImageNet has for a class, and not one, and the templates as they are.
    """
    superclass = settings.generate.superclass if is_set(settings, "generate.superclass") else dataset.superclass
    templates = Recipe(targets=(), prompt=settings.generate.prompt, model="").templates
    articles = not (all_words or vocabulary(settings.model.name))

    def prompts(label: str) -> tuple[str, ...]:
        words = dataset.name_of(label)
        words = imagenet.all_words(label, words) if all_words else words
        return prompts_of(names.prompts.get(label, templates), words, superclass, articles=articles)

    return prompts


def named(dataset: Dataset, names: ClassNames, observer: Observer) -> Dataset:
    """A data set whose classes are called as a person says; an observer is warned of labels that are none of them."""
    if unused := names.unused(dataset.classes):
        observer.warning(f"{names.name}: {shorten(unused)} is not a class of the data set")
    return replace(dataset, names={**dataset.names, **{label: words for label, words in names.words.items() if words}})


def write_names(
    path: Path,
    benchmark: str,
    dataset: str,
    where: Data,
    lists: Path | None,
    names: ClassNames,
    observer: Observer,
    *,
    partial: bool,
) -> int:
    """Write what the classes of a data set are called in prompts; returns how many they are.

    Args:
        where: where it lies, and how it is split.
        names: what a person says already.

    Raises:
        UsageError, FolderError, OutputError: see `catalog.load` and `class_names.write`.
    """
    require_free(path)
    split = split_of(where)
    found = catalog.load(
        benchmark, dataset, where.dir, lists=lists, partial=partial, pool=where.pool, split=split, observer=observer
    )
    found = named(found, names, observer)
    return class_names.write(path, found.classes, ClassNames(found.names, names.prompts))


def run_for(
    jobs: Iterable[Job],
    root: Path,
    settings: Settings,
    located: Located,
    out: Path,
    observer: Observer,
    *,
    probe: bool = False,
) -> Run:
    """The run that makes the images of ``jobs``, each once, as PNG files in ``out/images``.

    Args:
        jobs: repeats are allowed. They are made source by source, so that each source is read once.
        root: folder that the sources' paths are relative to.
        settings: how; ``generate.probe``, which is for `genie generate`, is not among what counts.
        located: the model that makes them.
        probe: make probes of the jobs instead, in ``out/probes``.
    """
    folder = out / ("probes" if probe else "images")
    output = settings.output.model_copy(update={"dir": str(folder), "format": Format.PNG})
    generate = settings.generate.model_copy(update={"probe": probe})
    ordered = sorted({job.id: job for job in jobs}.values(), key=_order)
    plan = Planned(Plan(lambda: iter(ordered)), root)
    return Run(settings.model_copy(update={"output": output, "generate": generate}), located, plan, observer)


def _order(job: Job) -> tuple[object, ...]:
    return job.source.path if job.source else "", job.method.value, job.target, job.replicate, job.r


def require_plan_path(path: Path) -> None:
    """Check that a plan may be written to ``path``.

    Raises:
        OutputError: its folder does not exist, or a file is there that is not a plan of genie's.
    """
    require_folder(path)
    require_own(path, _PLAN)


def write_plan(run: Run, path: Path) -> int:
    """Write the plan of a run to a file, completely or not at all, replacing an earlier plan.

    Returns:
        The number of jobs.

    Raises:
        OutputError: see `require_plan_path`; or the file cannot be written.
    """
    require_plan_path(path)
    count = -1  # the header is not a job

    def write(file: BinaryIO) -> None:
        nonlocal count
        for line in run.lines():
            file.write(line.encode())
            count += 1

    replace_atomically(path, write)
    return count


def command_for(run: Run, plan: str) -> str:
    """The command that makes the images of a run's plan with the run's settings, quoted for a shell.

    Args:
        plan: where the plan was written; ``"-"`` for standard input.
    """
    command = ["genie", "generate", "--plan", plan]
    probe = run.settings.generate.probe
    for key in (key for key in _HOW if key != "generate.steps" or not probe):
        section, _, name = key.partition(".")
        value = getattr(getattr(run.settings, section), name)
        if value != field_of(key).default:
            command += [flag_of(key), ",".join(value) if isinstance(value, tuple) else str(value)]
    return shlex.join([*command, *(["--probe"] if probe else []), "--format", run.settings.output.format.value])


def make(run: Run) -> GeneratedImages:
    """Make the images of a run that do not exist yet, and return all of the run's images.

    Raises:
        ModelError, OutputError: see `Run.make`.
    """
    made = run.make()
    if made.failed:
        run.observer.warning(f"{made.failed} images failed; {made.manifest} says why")
    # Runs with other seeds or prompts may share the folder, and their images show the same.
    hint = f"they could not be made, and {made.manifest} says why; the same command tries again"
    return read((str(made.manifest),), {job.id for job in run.jobs}, hint, probes=run.settings.generate.probe)


def read(
    manifests: Sequence[str], only: Collection[str] | None = None, if_missing: str = "", *, probes: bool = False
) -> GeneratedImages:
    """The images of manifests.

    Args:
        manifests: paths, folders of runs, or ``"-"`` for standard input.
        only: ids of the jobs whose images are wanted; None: all.
        if_missing, probes: see `GeneratedImages`.

    Raises:
        ManifestError, UsageError: see `manifest.opened` and `GeneratedImages.add`.
    """
    images = GeneratedImages(if_missing, probes=probes)
    for name in manifests:
        with manifest.opened(name, "genie.manifest") as document:
            images.add(document if only is None else document.only(only))
    return images
