"""A run of `genie fewshot` or `genie finegrained`, from options to results. Importing it loads no torch or NumPy."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.catalog import Entry
from genie_cli.data.dataset import Dataset
from genie_cli.devices import is_main_process
from genie_cli.diffusion.vocabulary import require_known
from genie_cli.evaluate import checks, obtain, results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.fewshot.options import FewShotOptions, backbone_name, check, section_of
from genie_cli.fewshot.results import BASELINE, Conditions, Record
from genie_cli.fewshot.task import Task
from genie_cli.generate.run import Run, locate_model
from genie_cli.jobs import Source
from genie_cli.observer import Observer
from genie_cli.settings import is_set, with_defaults

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone
    from genie_cli.backbones.features import Features
    from genie_cli.evaluate.generated import GeneratedImages
    from genie_cli.fewshot.episodes import EpisodeList
    from genie_cli.fewshot.evaluator import FewShotEvaluator
    from genie_cli.fewshot.needs import EpisodeJobs

_REPLACE = "put back these files as they were published"


@dataclass(frozen=True)
class Benchmark:
    """A run that has been checked and whose episodes are known.

    Attributes:
        settings: with the defaults that suit the data set.
        network: name of the backbone; empty if none was named for a run that evaluates nothing.
        lists: one list of episodes for each number of shots.
        run: makes the generated images that the episodes need; None if manifests have them or none are needed.
    """

    task: Task
    options: FewShotOptions
    settings: Settings
    observer: Observer
    network: str
    dataset: Dataset
    lists: Sequence[EpisodeList]
    augmentations: Sequence[Augmentation]
    needs: EpisodeJobs
    run: Run | None

    def evaluate(self) -> list[Record]:
        """Make or read the images, evaluate all augmentations, and write results and episode lists to ``options.out``.

        Raises:
            UsageError: an image is missing from the manifests, or a checkpoint does not go with the backbone.
            ManifestError: a manifest has a bad line.
            ImageError: an image cannot be read.
            ModelError: a model cannot be loaded, or does not fit into memory.
            OutputError: the output folder cannot be written, or has files that genie did not write.
        """
        from genie_cli.backbones.load import load

        images = obtain.read(self.options.manifests)
        with self.observer.progress(f"Loading {self.network}"):  # before images are made: it may not be there
            backbone = load(self.network, self.options.checkpoint, self.settings.model.device)
        if self.run:
            images = obtain.make(self.run)
        for each in self.lists:
            images.require(self.needs.needed(each.episodes, self.augmentations))
        records = self._records(backbone, images)
        self._write(records)
        return records

    def _records(self, backbone: Backbone, images: GeneratedImages) -> list[Record]:
        from genie_cli.backbones.features import Features, default_folder

        conditions = self._conditions(backbone.name, images.steps)
        features = Features(backbone, default_folder(self.observer), self.observer)
        records: list[Record] = []
        total = len(self.augmentations) * sum(len(each.episodes) for each in self.lists)
        with self.observer.progress("episodes", total) as progress:
            for each in self.lists:
                evaluator = self._evaluator(each, features, images)
                outcomes = []
                for augmentation in self.augmentations:
                    progress.describe(f"{augmentation.label}, {each.spec.shots}-shot")
                    outcomes.append(evaluator.run(augmentation, progress.advance))
                records += conditions.records_of(each, outcomes)
        return records

    def _evaluator(self, episodes: EpisodeList, features: Features, images: GeneratedImages) -> FewShotEvaluator:
        from genie_cli.fewshot.augment import PHOTO_CROPS, RandomAugment
        from genie_cli.fewshot.classifiers import Classifier
        from genie_cli.fewshot.evaluator import FewShotEvaluator
        from genie_cli.fewshot.views import Views

        augment = RandomAugment(features.backbone.preprocess, self.dataset.crops or PHOTO_CROPS)
        return FewShotEvaluator(
            episodes=episodes.episodes,
            views=Views(self.dataset.root, augment),
            features=features,
            classifier=Classifier(section_of(self.task, self.settings).classifier),
            needs=self.needs,
            images=images,
            soft_labels=self.options.soft_labels,
            protocol=self.task.protocol,
        )

    def _conditions(self, backbone: str, steps: int | None) -> Conditions:
        classifier = section_of(self.task, self.settings).classifier
        papers_weights = bool(self.options.checkpoint) == self.task.has_checkpoint
        as_in_paper = classifier == self.task.classifier and papers_weights and not self.options.partial
        return Conditions(
            task=self.task,
            dataset=self.options.dataset,
            backbone=backbone,
            classifier=classifier,
            baseline=self.options.baseline or BASELINE,
            paper_backbone=self.network if as_in_paper else "",
            steps=None if self.options.soft_labels else steps,
        )

    def _write(self, records: Sequence[Record]) -> None:
        if is_main_process():
            lists = {each.file_name: each.text for each in self.lists}
            results.write(self.options.out, {**lists, **results.files_of(Record, records)})


def prepare(
    task: Task,
    options: FewShotOptions,
    settings: Settings,
    given: Set[str],
    observer: Observer,
    *,
    plan_only: bool = False,
) -> Benchmark:
    """Check a run, read its data set, draw its episodes and find its diffusion model. Nothing is written.

    Args:
        given: keys of the settings that were typed, such as ``"generate.seed"``; only these can conflict.
        plan_only: only the returned benchmark's ``run`` will be used; nothing is evaluated.

    Raises:
        UsageError: options contradict each other, one would have no effect, or a value cannot be used.
        FolderError: the data set is not in its folder, has too few images for the episodes, or broken ones.
        ManifestError: a manifest cannot be read.
        ModelError: the diffusion model cannot be found.
        OutputError: the output folder cannot be used, or has files that genie did not write.
    """
    entry = catalog.entry(task.name, options.dataset)
    settings, asked = with_defaults(settings, entry.defaults), settings
    augmentations = check(task, options, entry, settings, given, plan_only=plan_only)
    network = _check_names(task, options, entry, settings, plan_only=plan_only)
    if entry.note and not options.episode_lists and any(_is_own(task, key, asked) for key in entry.defaults):
        observer.found(entry.note)
    dataset = catalog.load(task.name, options.dataset, settings.data.dir, partial=options.partial, observer=observer)
    dataset, lists = _lists(task, options, entry, settings, dataset, observer)
    if not plan_only:
        results.require_own(options.out, {each.file_name: each.text for each in lists})
    needs, run = _generation(options, settings, given, observer, dataset, lists, augmentations)
    return Benchmark(task, options, settings, observer, network, dataset, lists, augmentations, needs, run)


def _check_names(task: Task, options: FewShotOptions, entry: Entry, settings: Settings, *, plan_only: bool) -> str:
    """Check folder, device, files and backbone before data are read; return the backbone's name."""
    from genie_cli.fewshot.episodes import require_list

    checks.check_places(options.out, settings.model.device, options.manifests)
    for path in options.episode_lists:
        require_list(path)
    if not plan_only:
        results.require_own(options.out, dict.fromkeys(results.RECORD_FILES))
    network = backbone_name(task, options, entry)
    # Without a folder to read, `catalog.load` says where to get the data set, which a person needs to know first.
    has_data = entry.is_bundled or os.path.isdir(settings.data.dir or "")
    if options.backbone or (has_data and not plan_only):
        checks.check_backbone(network)
    return network


def _is_own(task: Task, key: str, settings: Settings) -> bool:
    """Whether a setting is one of the task's own that nobody has set."""
    return key.startswith(f"{task.name}.") and not is_set(settings, key)


def _lists(
    task: Task, options: FewShotOptions, entry: Entry, settings: Settings, dataset: Dataset, observer: Observer
) -> tuple[Dataset, Sequence[EpisodeList]]:
    """The episodes, drawn or read, and the data set without images that are broken, if these can be left out.

    Raises:
        UsageError, FolderError: see `fewshot.episodes`; or an image is broken without which it is another benchmark.
    """
    from genie_cli.evaluate.readable import require_readable, without_broken
    from genie_cli.fewshot.episodes import EpisodeSpec, draw_lists, read_lists

    if options.episode_lists:
        lists = read_lists(options.episode_lists, dataset, options.dataset)
        require_readable(dataset.root, _images_of(lists), observer, f"{_REPLACE}; or leave out --episode-list")
        return dataset, lists
    if entry.is_own or options.partial:
        dataset = without_broken(dataset, observer)
    wanted, seed = section_of(task, settings), settings.generate.seed
    specs = [
        EpisodeSpec(ways=wanted.ways, shots=shots, queries=wanted.queries, seed=seed)
        for shots in sorted(set(wanted.shots))
    ]
    lists = draw_lists(dataset, options.dataset, specs, wanted.episodes)
    if not (entry.is_own or entry.is_bundled or options.partial):
        require_readable(dataset.root, _images_of(lists), observer, f"{_REPLACE}; or leave them out: --partial")
    return dataset, lists


def _images_of(lists: Sequence[EpisodeList]) -> Sequence[Source]:
    """Every image of the episodes, once."""
    episodes = (episode for each in lists for episode in each.episodes)
    parts = (part for episode in episodes for part in (*episode.support, *episode.query))
    return list({source.path: source for part in parts for source in part}.values())


def _generation(
    options: FewShotOptions,
    settings: Settings,
    given: Set[str],
    observer: Observer,
    dataset: Dataset,
    lists: Sequence[EpisodeList],
    augmentations: Sequence[Augmentation],
) -> tuple[EpisodeJobs, Run | None]:
    """Which generated images the episodes need, and the run that makes them, if they are to be made.

    A model is located, which can be a download, only if there are images to make.
    """
    from genie_cli.fewshot.needs import EpisodeJobs

    to_make = not options.manifests and any(augmentation.generates for augmentation in augmentations)
    if to_make:
        classes = {label for each in lists for episode in each.episodes for label in episode.classes}
        require_known(settings.model.name, sorted(map(dataset.name_of, classes)))
    located = locate_model(settings, given) if to_make else None
    model = located.identity if located else ""
    needs = EpisodeJobs(obtain.prompts_for(settings, dataset), model, settings.generate.seed)
    if not located:
        return needs, None
    jobs = (job for each in lists for job in needs.needed(each.episodes, augmentations))
    return needs, obtain.run_for(jobs, dataset.root, settings, located, options.out, observer)
