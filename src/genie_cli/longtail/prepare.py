"""Checks a run of `genie longtail` and finds what it needs. Importing it loads no torch or NumPy."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.class_names import ClassNames
from genie_cli.data.dataset import Dataset
from genie_cli.data.random_split import split_file
from genie_cli.diffusion.vocabulary import require_known
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks, obtain, results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.generate.run import locate_model
from genie_cli.longtail.benchmark import Benchmark
from genie_cli.longtail.groups import Group, Profile, ShotThresholds
from genie_cli.longtail.options import LongTailOptions, check, check_names, recipe_of, require_shareable
from genie_cli.longtail.small import fitted
from genie_cli.longtail.tail import TailJobs, adds_images, repeated_images, wanted_images
from genie_cli.observer import Observer
from genie_cli.settings import with_defaults

if TYPE_CHECKING:
    from genie_cli.diffusion.locate import Located
    from genie_cli.longtail.trainings import Trainings


def prepare(
    options: LongTailOptions, settings: Settings, given: Set[str], observer: Observer, *, plan_only: bool = False
) -> Benchmark:
    """Check a run, read its data set, and find its models. Nothing is written.

    Args:
        given: keys of the settings that were typed, such as ``"generate.seed"``; only these can conflict.
        plan_only: only the returned benchmark's ``run`` will be used. Not for an estimate of the trainings' cost.

    Raises:
        UsageError: options contradict each other, one would have no effect, or a value cannot be used.
        FolderError: the data set is not in its folder, or a class has no image that can be used.
        ManifestError: a manifest cannot be read.
        ModelError: a model cannot be found or built, or the device cannot be used.
        OutputError: the output folder cannot be used, or has files that genie did not write.
    """
    entry = catalog.entry("longtail", options.dataset)
    settings = with_defaults(settings, entry.defaults)
    augmentations = check(options, entry, settings, given, plan_only=plan_only)
    thresholds = ShotThresholds.parse(settings.longtail.thresholds)
    with observer.progress("Looking up the network"):  # imports timm and torch, which takes seconds
        check_names(options, settings, augmentations, plan_only=plan_only)
    dataset = _dataset(options, entry, settings, observer)
    if not plan_only:
        results.require_own(options.out, split_file(dataset))
    if entry.is_own:
        settings = fitted(settings, len(dataset.train), observer, has_checkpoint=bool(options.checkpoint))
    profile = Profile.of(dataset.classes, dataset.train, thresholds)
    observer.found(profile.summary)
    generates = any(augmentation.generates for augmentation in augmentations)
    to_make = generates and not options.manifests
    if to_make:
        few = profile.groups()[Group.FEW]
        require_known(settings.model.name, checks.prompt_words(dataset, few))
    trainings = _trainings(options, settings, given, dataset, profile, augmentations, observer)
    located = locate_model(settings, given, observer) if to_make else None
    tail = _tail_jobs(settings, dataset, options.names, profile, trainings, located)
    if any(map(adds_images, augmentations)):
        tail.require_some()
    found = Benchmark(options, settings, observer, dataset, profile, augmentations, tail, trainings, located)
    if plan_only:
        found.require_images()
    return found


def _dataset(options: LongTailOptions, entry: catalog.Entry, settings: Settings, observer: Observer) -> Dataset:
    """The data set, without images that are broken if these can be left out; FolderError as `prepare`."""
    from genie_cli.evaluate.readable import without_broken

    found = catalog.load(
        "longtail",
        options.dataset,
        settings.data.dir,
        lists=options.lists,
        partial=options.partial,
        pool=settings.data.pool,
        split=checks.split_of(settings.data),
        observer=observer,
    )
    found = obtain.named(found, options.names, observer)
    return without_broken(found, observer) if entry.is_own or options.partial else found


def _tail_jobs(
    settings: Settings,
    dataset: Dataset,
    names: ClassNames,
    profile: Profile,
    trainings: Trainings,
    located: Located | None,
) -> TailJobs:
    return TailJobs(
        profile=profile,
        train=dataset.train,
        prompts_for=obtain.prompts_for(settings, dataset, names),
        model=located.identity if located else "",
        per_class=trainings.recipe.per_class,
        fill_to=trainings.recipe.fill_to,
        seed=settings.generate.seed,
    )


def _trainings(
    options: LongTailOptions,
    settings: Settings,
    given: Set[str],
    dataset: Dataset,
    profile: Profile,
    augmentations: Sequence[Augmentation],
    observer: Observer,
) -> Trainings:
    """What the trainings have in common; checked.

    Raises:
        UsageError, ModelError: see `trainings.Trainings`; or several processes would do what only one should.
    """
    from genie_cli.longtail.trainings import Trainings

    if len(dataset.classes) < 2:
        raise UsageError("there is a single class: nothing can be classified", "see --data-dir")
    recipe = recipe_of(settings, given)
    trainings = Trainings.of(
        dataset,
        recipe,
        options.checkpoint,
        settings.model.device,
        soft_labels=options.soft_labels,
        folder=options.out / "trainings",
        repeated=repeated_images(dataset.train, wanted_images(profile, recipe.per_class, recipe.fill_to)),
    )
    trainings.require_trainable(observer)
    if trainings.accelerator.num_processes > 1:
        require_shareable(options, augmentations)
    if trainings.network.starts_from_timm:
        observer.found(f"{trainings.network.name} starts from the weights that timm has under this name")
    elif not options.checkpoint:
        observer.found(f"no --checkpoint: {trainings.network.name} starts from random weights")
    return trainings
