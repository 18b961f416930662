"""A run of `genie fewshot` or `genie finegrained`: evaluates all augmentations and writes the results.

Importing it loads no torch or NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.dataset import Dataset
from genie_cli.data.random_split import split_file
from genie_cli.devices import devices_of, is_main_process
from genie_cli.evaluate import obtain, results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.evaluate.pairs import parse_pairs
from genie_cli.fewshot.options import FewShotOptions, section_of
from genie_cli.fewshot.results import BASELINE, Comparison, Conditions, Record, Records
from genie_cli.fewshot.task import Protocol, Task
from genie_cli.generate.run import Run
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from genie_cli.backbones.features import Features
    from genie_cli.fewshot.episodes import EpisodeList
    from genie_cli.fewshot.evaluator import FewShotEvaluator, Outcome
    from genie_cli.fewshot.fitting import Fitter
    from genie_cli.fewshot.needs import EpisodeJobs
    from genie_cli.fewshot.predictions import Predictions


_RULES = 1  # raise it when views, choices or classifiers change: predictions that were made otherwise are made again


@dataclass(frozen=True)
class Benchmark:
    """A run that has been checked and whose episodes are known.

    Attributes:
        settings: with the defaults that suit the data set.
        network: name of the backbone; empty if none was named for a run that evaluates nothing.
        lists: one list of episodes for each number of shots.
        protocol: which views of the images are used.
        run: makes the generated images that the episodes need; None if manifests have them or none are needed.
        probes: makes the probes by which GeNIe-Ada chooses images; None if it has no use for them.
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
    protocol: Protocol
    run: Run | None
    probes: Run | None

    def evaluate(self) -> Records:
        """Make or read the images, evaluate all augmentations, and write the results to ``options.out``.

        Episode lists and predictions are written there, too. What is known from an earlier run is not evaluated again.

        Raises:
            UsageError: an image is missing from the manifests, or a checkpoint does not go with the backbone.
            ManifestError: a manifest has a bad line.
            ImageError: an image cannot be read.
            ModelError: a model cannot be loaded, or does not fit into memory.
            OutputError: the output folder cannot be written, or has files that genie did not write.
        """
        from genie_cli.backbones.features import Features, default_folder
        from genie_cli.backbones.load import load, spread
        from genie_cli.fewshot.predictions import Predictions

        predictions = [Predictions.read(self.options.out, each) for each in self.lists]
        images = obtain.read(self.options.manifests)
        with self.observer.progress(f"Loading {self.network}"):  # before images are made: it may not be there
            device, *others = devices_of(self.settings.model.devices) or (self.settings.model.device,)
            backbone = spread(load(self.network, self.options.checkpoint, device, self.observer), others)
        probes = obtain.make(self.probes) if self.probes else GeneratedImages(probes=True)
        features = Features(backbone, default_folder(self.observer), self.observer)
        if run := self._whole_run(features, probes):
            images = obtain.make(run)
        for each in self.lists:
            images.require(self.needs.needed(each.episodes, self._without_probes))
        outcomes = self._outcomes([self._evaluator(each, features, images, probes) for each in self.lists], predictions)
        conditions = self._conditions(backbone.name, images.steps)
        records = [
            record
            for each, own in zip(self.lists, outcomes, strict=True)
            for record in conditions.records_of(each, own)
        ]
        found = Records(records, self._comparisons(conditions, outcomes))
        self._write(found)
        return found

    @property
    def _without_probes(self) -> list[Augmentation]:
        """The augmentations of which it is known which images they need."""
        return [augmentation for augmentation in self.augmentations if not augmentation.probe]

    def _whole_run(self, features: Features, probes: GeneratedImages) -> Run | None:
        """The run that makes all images, those that GeNIe-Ada has chosen by the probes included."""
        if self.probes is None:
            return self.run
        jobs = list(self.run.jobs) if self.run else []
        for each in self.lists:
            evaluator = self._evaluator(each, features, GeneratedImages(), probes)
            for augmentation in (augmentation for augmentation in self.augmentations if augmentation.probe):
                jobs += [job for own in evaluator.choose(augmentation) for _, job in own]
        root, out = self.dataset.root, self.options.out
        return obtain.run_for(jobs, root, self.settings, self.probes.located, out, self.observer)

    def _outcomes(
        self, evaluators: Sequence[FewShotEvaluator], predictions: Sequence[Predictions]
    ) -> list[list[Outcome]]:
        """The outcomes of all augmentations, for each list of episodes; those that are known are not run again."""
        total = len(self.augmentations) * sum(len(each.episodes) for each in self.lists)
        outcomes: list[list[Outcome]] = []
        with self.observer.progress("episodes", total) as progress:
            for evaluator, known in zip(evaluators, predictions, strict=True):
                outcomes.append([])
                for augmentation in self.augmentations:
                    progress.describe(f"{augmentation.label}, {known.episodes.spec.shots}-shot")
                    made_of = self._made_of(evaluator, known.episodes, augmentation)
                    found = known.find(augmentation, made_of)
                    if found:
                        progress.advance(len(evaluator.episodes))
                    else:
                        found = evaluator.run(augmentation, progress.advance)
                        if is_main_process():
                            known.add(found, made_of)
                    outcomes[-1].append(found)
        return outcomes

    def _made_of(self, evaluator: FewShotEvaluator, listed: EpisodeList, augmentation: Augmentation) -> str:
        """A hash of everything that decides the predictions of an augmentation."""
        from genie_cli.fewshot.predictions import hash_of

        support = evaluator.support
        conditions = {
            "rules": _RULES,
            "episodes": listed.sha256,
            "backbone": evaluator.features.backbone.name,
            "classifier": self._classifier,
            "augmentation": augmentation,
            "added": self.needs.added,
            "protocol": self.protocol,
            "crops": self.dataset.crops,
            "soft labels": self.options.soft_labels,
        }
        images = support.candidates_of(augmentation).identities(self.needs.needed(listed.episodes, [augmentation]))
        if augmentation.probe:
            jobs = (job for own in evaluator.choose(augmentation) for _, job in own)
            images = chain(images, support.images.identities(jobs))
        return hash_of(conditions, images)

    def _comparisons(self, conditions: Conditions, outcomes: Sequence[Sequence[Outcome]]) -> list[Comparison]:
        """The differences that were asked for."""
        from genie_cli.fewshot.compare import comparison

        return [
            comparison(
                each,
                {outcome.augmentation.label: outcome for outcome in own},
                pair,
                self.dataset.original_of,
                conditions.names,
            )
            for pair in parse_pairs(self.options.compare, [augmentation.label for augmentation in self.augmentations])
            for each, own in zip(self.lists, outcomes, strict=True)
        ]

    @property
    def _classifier(self) -> str:
        return section_of(self.task, self.settings).classifier

    def _evaluator(
        self, episodes: EpisodeList, features: Features, images: GeneratedImages, probes: GeneratedImages
    ) -> FewShotEvaluator:
        from genie_cli.fewshot.augment import PHOTO_CROPS, RandomAugment
        from genie_cli.fewshot.evaluator import FewShotEvaluator
        from genie_cli.fewshot.support import SupportSets
        from genie_cli.fewshot.views import Views

        crops = self.dataset.crops or PHOTO_CROPS
        augment = RandomAugment(features.backbone.preprocess, crops, self.protocol.flip_vertically)
        views = Views(self.dataset.root, augment, self.dataset.compositor)
        support = SupportSets(views, self.needs, images, self.options.soft_labels, self.protocol, probes)
        return FewShotEvaluator(episodes.episodes, support, features, self._fitter)

    @cached_property
    def _fitter(self) -> Fitter:
        from genie_cli.fewshot.classifiers import Classifier
        from genie_cli.fewshot.fitting import Fitter

        return Fitter(Classifier(self._classifier), section_of(self.task, self.settings).jobs)

    def _conditions(self, backbone: str, steps: int | None) -> Conditions:
        papers_weights = bool(self.options.checkpoint) == self.task.has_checkpoint
        as_in_paper = (
            self._classifier == self.task.classifier
            and papers_weights
            and self.protocol == self.task.protocol
            and not (self.options.partial or self.options.soft_labels or self.needs.added)
        )
        return Conditions(
            task=self.task,
            dataset=self.dataset_name,
            backbone=backbone,
            classifier=self._classifier,
            baseline=self.options.baseline or BASELINE,
            paper_backbone=self.network if as_in_paper else "",
            steps=steps,
        )

    @property
    def dataset_name(self) -> str:
        """The data set's name in results, with its pool."""
        return catalog.entry(self.task.name, self.options.dataset).name_of(self.settings.data.pool)

    def _write(self, found: Records) -> None:
        if is_main_process():
            lists = {each.file_name: each.text for each in self.lists}
            compared = results.files_of(Comparison, found.comparisons, results.COMPARISONS) if found.comparisons else {}
            files = results.files_of(Record, found) | compared | split_file(self.dataset)
            results.write(self.options.out, lists | files)
