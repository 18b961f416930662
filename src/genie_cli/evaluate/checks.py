"""What the evaluators check before they read data, load models or generate images.

Only options that were typed can conflict. An environment variable or a settings file may be meant for other
commands: what it says is used where it applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from genie_cli import manifest
from genie_cli.config import Data, Settings
from genie_cli.data.catalog import Entry
from genie_cli.data.class_names import ClassNames
from genie_cli.data.class_words import require_words
from genie_cli.data.dataset import Dataset
from genie_cli.data.random_split import RandomSplit
from genie_cli.devices import parse_device
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.evaluate.augmentations import PASTED, WITH_RATIO, Augmentation, AugmentationName, choose
from genie_cli.files.folders import require_usable_folder
from genie_cli.files.json_lines import is_pipe
from genie_cli.settings import flag_of, keys

# Settings that decide how images are generated, and so have no effect on the images of a manifest.
_DECIDED_BY_MANIFESTS = (
    *(key for key in keys("model") if key != "model.device"),  # the evaluator itself runs on the device
    "generate.steps",
    "generate.guidance",
    "generate.negative_prompt",
    "generate.prompt",
    "generate.superclass",
    "generate.preset",
)


def parse_augmentations(
    names: Sequence[str],
    ratios: Sequence[float],
    known: Sequence[str] = tuple(AugmentationName),
    *,
    probe: bool = False,
) -> list[Augmentation]:
    """The augmentations that were asked for by name.

    Args:
        ratios: noise ratios; see `augmentations.choose`.
        known: the names that the benchmark accepts.
        probe: GeNIe-Ada chooses by probes.

    Raises:
        UsageError: a name is not known.
    """
    for name in names:
        if name not in known:
            raise UsageError(
                f"--augment: there is no augmentation {name!r}{did_you_mean(name, known)}",
                f"choices: {', '.join(known)}",
            )
    return choose([AugmentationName(name) for name in names], ratios, probe=probe)


def check_generation(
    chosen: Sequence[Augmentation],
    settings: Settings,
    given: Set[str],
    *,
    manifests: Sequence[str],
    plan_only: bool,
    soft_labels: bool,
) -> None:
    """Check the options about generated images against each other.

    Args:
        given: keys of the settings that were typed.
        manifests: names of the manifests that have the images; empty if they are to be generated.
        plan_only: nothing is to be evaluated.

    Raises:
        UsageError: an option contradicts another or would have no effect, or a noise ratio is too small for the number
            of steps.
    """
    generates = any(augmentation.generates for augmentation in chosen)
    if "generate.r" in given and not any(augmentation.name in WITH_RATIO for augmentation in chosen):
        raise UsageError("--r is the noise ratio of genie and of img2img, and neither is among --augment")
    if manifests:
        _check_manifests(given, generates, plan_only)
    elif soft_labels:
        raise UsageError(
            "--soft-labels takes the oracle's labels from a manifest",
            "genie oracle MANIFEST --soft-labels --out labelled.jsonl, then --manifest labelled.jsonl",
        )
    else:
        _check_ratios(chosen, settings.generate.steps)
    if plan_only and not generates:
        raise UsageError("none of the augmentations needs generated images: there is no plan")


def _check_manifests(given: Set[str], generates: bool, plan_only: bool) -> None:
    if useless := [flag_of(key) for key in _DECIDED_BY_MANIFESTS if key in given]:
        raise UsageError(f"the images are those of --manifest: leave out {', '.join(sorted(useless))}")
    if plan_only:
        raise UsageError("--manifest has the images: leave out --plan-out and --dry-run, which are about making them")
    if not generates:
        raise UsageError("none of the augmentations needs generated images: leave out --manifest")


def check_names(names: ClassNames, manifests: Sequence[str]) -> None:
    """Raise UsageError if names of classes were given for prompts that nobody writes."""
    if names.name and manifests:
        raise UsageError("the images are those of --manifest: leave out --class-names")


def prompt_words(dataset: Dataset, labels: Iterable[str]) -> list[str]:
    """The words of classes that prompts are to be written for.

    Raises:
        UsageError: it is not known what a class is called, or two classes are called the same.
    """
    found: dict[str, str] = {}
    for label in labels:
        words = require_words(dataset.name_of(label))
        if (other := found.setdefault(words.casefold(), label)) != label:
            raise UsageError(
                f"the classes {other!r} and {label!r} have the same name in prompts: {words}",
                "put them into one folder, or say what each is called: --class-names",
            )
    return [dataset.name_of(label) for label in found.values()]


def _check_ratios(chosen: Sequence[Augmentation], steps: int) -> None:
    least = smallest_ratio(steps)
    for augmentation in chosen:
        if augmentation.generates and min(augmentation.ratios) < least:
            raise UsageError(
                f"{augmentation.label} has r = {min(augmentation.ratios):g}, which leaves no step to run out of "
                f"{steps}; the smallest r is {least:g}",
                "set more --steps, or leave it out of --augment",
            )


def check_data(entry: Entry, data: Data, given: Set[str]) -> None:
    """Check the typed settings of where the data are; a variable may be meant for other runs.

    Raises:
        UsageError: ``--data-dir`` was typed for a bundled data set, ``--pool`` for another, ``--test-share`` for one
            from which no test split can be drawn, or ``--split-seed`` without it.
    """
    if entry.is_bundled and "data.dir" in given:
        raise UsageError(
            f"--dataset {entry.name} is made by genie: leave out --data-dir", "your own images are --dataset folder"
        )
    if not entry.is_bundled and "data.pool" in given:
        raise UsageError(f"--dataset {entry.name} has no pools, which only the bundled digits have: leave out --pool")
    if not entry.can_be_split and (flags := given & {"data.test_share", "data.split_seed"}):
        flag = "--test-share" if "data.test_share" in flags else "--split-seed"
        raise UsageError(f"--dataset {entry.name} has a test split, or needs none: leave out {flag}")
    if "data.split_seed" in given and not data.test_share:
        raise UsageError("--split-seed draws a test split: say how large it is, with --test-share 0.2")


def split_of(data: Data) -> RandomSplit | None:
    """The test split that the settings ask for; None if the data set has one."""
    return RandomSplit(data.test_share, data.split_seed) if data.test_share else None


def check_compositor(dataset: Dataset, chosen: Sequence[Augmentation]) -> None:
    """Raise UsageError if objects are to be pasted whose masks are not known."""
    if dataset.compositor is None and (pasted := [a.label for a in chosen if a.name in PASTED]):
        raise UsageError(
            f"--augment {', '.join(pasted)}: the objects' masks are needed, which only the bundled digits have",
            "leave it out of --augment",
        )


def check_places(out: Path, device: str, manifests: Sequence[str]) -> None:
    """Check the folder, the device and the files that a run names.

    Raises:
        OutputError: ``out`` cannot be used as a folder.
        UsageError: ``device`` is not the name of a device, or a manifest has probes.
        ManifestError: a manifest cannot be read. A pipe, which can be read only once, is not checked.
    """
    require_usable_folder(out)
    parse_device(device)
    for name in manifests:
        if not is_pipe(name):
            with manifest.opened(name, "genie.manifest") as document:
                document.require_images()


def check_backbone(name: str) -> None:
    """Check the name of a backbone. Does not look for its weights.

    Raises:
        UsageError: there is no such network, or none was named and there is no default.
    """
    from genie_cli.backbones import pretrained
    from genie_cli.backbones.load import NAMES

    if not name:
        raise UsageError(
            "say which network computes the features: --backbone",
            "the paper's: --backbone unisiam-resnet18 --checkpoint FILE; or any timm model, "
            "such as --backbone vit_small_patch14_dinov2.lvd142m",
        )
    if name not in NAMES and not pretrained.names_its_source(name) and not pretrained.is_known(name):
        near = pretrained.similar_names(name, NAMES)
        raise UsageError(
            f"--backbone: there is no model {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            f"choices: {', '.join(NAMES)}, timm's models, hf-hub:owner/name and local-dir:folder",
        )
