"""The generated images that an evaluator needs: planned, made at once, or read from manifests."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genie_cli import manifest
from genie_cli.config import Format, Settings
from genie_cli.data import imagenet
from genie_cli.data.dataset import Dataset
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.files.folders import require_folder
from genie_cli.files.writing import replace_atomically, require_own
from genie_cli.generate.plan import Planned
from genie_cli.generate.run import Run
from genie_cli.jobs import Job, Plan
from genie_cli.observer import Observer
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
    "model.dtype",
    "model.slots",
    "model.attention",
    "model.compile",
)


def prompts_for(settings: Settings, dataset: Dataset, *, all_words: bool = False) -> Callable[[str], str]:
    """The prompt for each class: the settings' template with the class's name in words, and the superclass.

    The superclass is what anybody has set, which may be nothing, or else the data set's.

    Args:
        all_words: use all words that ImageNet has for a class, and not one.
    """
    superclass = settings.generate.superclass if is_set(settings, "generate.superclass") else dataset.superclass
    recipe = Recipe(targets=(), prompt=settings.generate.prompt, superclass=superclass, model="")
    if all_words:
        return lambda label: recipe.prompt_for(imagenet.all_words(label, dataset.name_of(label)))
    return lambda label: recipe.prompt_for(dataset.name_of(label))


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
    return shlex.join([*command, *(["--probe"] if probe else []), "--format", "png"])


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
