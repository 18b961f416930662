"""What is asked of a plan, and everything about it that can be checked before a model is looked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from genie_cli import manifest
from genie_cli.config import Generate, Model, Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data.class_names import ClassNames
from genie_cli.devices import parse_device, parse_devices
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.diffusion.vocabulary import require_known
from genie_cli.errors import UsageError
from genie_cli.files.folders import require_usable_folder
from genie_cli.files.json_lines import is_pipe
from genie_cli.generate.paths import keep_apart
from genie_cli.generate.targets import KnownClasses
from genie_cli.jobs import Method
from genie_cli.settings import flag_of

ALL = "all"  # the target that stands for every class of the sources

# Settings that a plan of its own has decided.
_DECIDED_BY_A_PLAN = tuple(
    f"generate.{name}" for name in ("method", "r", "prompt", "superclass", "per_target", "top_k", "seed")
)


@dataclass(frozen=True)
class PlanRequest:
    """Where sources and targets come from; or ``plan``, which says both.

    Attributes:
        src_dir: folder of source images.
        src_label: the class of all images in ``src_dir``, if it has no class folders.
        targets: class names, each once; ``("all",)`` stands for every class of the sources.
        confusion: source classes are the ones most confused with each target.
        plan: the path of a plan, ``"-"`` for standard input.
        names: what classes are called in prompts.
    """

    src_dir: Path | None = None
    src_label: str | None = None
    targets: tuple[str, ...] = ()
    confusion: Confusion | None = None
    plan: str | None = None
    names: ClassNames = field(default_factory=ClassNames)


def tidy_names(names: Iterable[str]) -> tuple[str, ...]:
    """Class names without blank ones and repeats, in Unicode's form NFC as the names of class folders are."""
    clean = (unicodedata.normalize("NFC", name.strip()) for name in names)
    return tuple(dict.fromkeys(name for name in clean if name))


def check(request: PlanRequest, settings: Settings, given: Set[str]) -> None:
    """Check options against each other and look at the paths they name.

    Args:
        given: keys of the settings that were typed. Only these can conflict: a variable or a settings file may be
            meant for other commands, and what it says is used where it applies.

    Raises:
        UsageError: options contradict each other, one would be ignored, or a value cannot be used.
        FolderError: the source folder is not there, or its subfolders are not classes.
        OutputError: the output folder cannot be used.
        ManifestError: the plan cannot be read.
    """
    parse_device(settings.model.device)
    if parse_devices(settings.model.devices) and {"model.device", "model.devices"} <= given:
        raise UsageError("--device does not go with --devices", "leave out one of them")
    _check_ray(settings.model, given)
    if settings.generate.probe and {"generate.probe", "generate.steps"} <= given:
        raise UsageError("--probe takes a single step: leave out --steps")
    if settings.generate.guidance == 1 and {"generate.guidance", "generate.negative_prompt"} <= given:
        raise UsageError("with --guidance 1 a negative prompt has no effect: leave out --negative-prompt")
    require_usable_folder(Path(settings.output.dir))
    if request.src_dir:
        _check_folder(request.src_dir)
        keep_apart(request.src_dir, Path(settings.output.dir))
    if request.plan:
        _check_plan(request, given)
        return
    _check_sources(request, settings.generate, given)
    least = 0 if settings.generate.probe else smallest_ratio(settings.generate.steps)
    if min(ratios_of(settings.generate)) < least:
        raise UsageError(
            f"r = {min(ratios_of(settings.generate))} leaves no step to run out of {settings.generate.steps}",
            f"the smallest r is {least:g}; more --steps allow a smaller one",
        )
    _check_targets(request, settings.model.name)  # last, since it walks through the source folder


def _check_ray(model: Model, given: Set[str]) -> None:
    if not model.ray:
        if "model.workers" in given:
            raise UsageError("--workers goes with --ray", "for several processes on this machine: --devices cpu*2")
        return
    if model.devices:
        raise UsageError("--devices does not go with --ray", "leave out one of them")
    if not find_spec("ray"):
        raise UsageError("--ray needs the package ray, which is not installed", "pip install 'genie-cli[ray]'")


def _check_folder(src_dir: Path) -> None:
    from genie_cli.data.folder import require_folder

    require_folder(src_dir)


def ratios_of(settings: Generate) -> tuple[float, ...]:
    """The noise ratios to run; txt2img has the only one of 1, whatever a variable or a file says."""
    return (Method.TXT2IMG.default_r,) if settings.method is Method.TXT2IMG else settings.ratios


def _check_plan(request: PlanRequest, given: Set[str]) -> None:
    decided = {flag_of(key) for key in _DECIDED_BY_A_PLAN if key in given}
    decided |= {"--targets"} if request.targets else set()
    decided |= {"--confusion"} if request.confusion else set()
    decided |= {"--src-label"} if request.src_label is not None else set()
    decided |= {"--class-names"} if request.names.name else set()
    if decided:
        raise UsageError(f"the plan decides these: leave out {', '.join(sorted(decided))}")
    if request.plan and not is_pipe(request.plan):  # a pipe can be read only once
        with manifest.opened(request.plan):
            pass


def _check_sources(request: PlanRequest, settings: Generate, given: Set[str]) -> None:
    if settings.method is Method.TXT2IMG:
        if request.src_dir or request.confusion:
            raise UsageError("txt2img uses no sources: leave out --src-dir and --confusion, or choose another --method")
        if "generate.r" in given and settings.ratios != (1.0,):
            raise UsageError("txt2img starts from pure noise: leave out --r")
        if not settings.per_target:
            raise UsageError("txt2img has no sources to count by", "say how many images: --per-target 20")
    elif not request.src_dir:
        raise UsageError(f"{settings.method.value} needs source images: --src-dir FOLDER")
    if request.src_label is not None and not (request.src_dir and request.src_label.strip()):
        raise UsageError("--src-label names the class of the images in --src-dir: give both")
    if request.confusion and settings.method is not Method.GENIE:
        raise UsageError("--confusion chooses sources of other classes, which only --method genie uses")
    if "generate.top_k" in given and not request.confusion:
        raise UsageError("--top-k goes with --confusion")


def _check_targets(request: PlanRequest, model: str) -> None:
    if not request.targets:
        raise UsageError("name the classes to generate", "--targets lynx,leopard, or --targets @names.txt, or all")
    if request.targets == (ALL,) and not request.src_dir:
        raise UsageError("--targets all stands for the classes of --src-dir: give it, or name the classes")
    labels = targets_of(request)
    require_known(model, map(request.names.prompt_words, labels))


def targets_of(request: PlanRequest) -> tuple[str, ...]:
    """The classes that the targets mean, each once; no image is opened.

    Raises:
        UsageError: see `KnownClasses.resolved`.
        FolderError: the source folder cannot be used.
    """
    classes = _classes(request.src_dir, request.src_label) if request.src_dir else ()
    known = KnownClasses(classes, request.names, str(request.src_dir))
    meant = known.resolved(classes if request.targets == (ALL,) else request.targets)
    return tuple(dict.fromkeys(meant.values()))


def named_classes(request: PlanRequest) -> tuple[str, ...]:
    """The classes of the source folder, and the targets that are none of them; errors as `targets_of`."""
    if request.src_dir:
        _check_folder(request.src_dir)
    classes = _classes(request.src_dir, request.src_label) if request.src_dir else ()
    found = tuple(dict.fromkeys([*classes, *(targets_of(request) if request.targets else ())]))
    if not found:
        raise UsageError("there are no classes to name: give --src-dir or --targets")
    return found


def _classes(src_dir: Path, src_label: str | None) -> Sequence[str]:
    """The classes of the source folder; before a model is downloaded for a folder that cannot be used."""
    from genie_cli.data.folder import class_names

    return class_names(src_dir, src_label)
