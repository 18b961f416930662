"""A run of `genie longtail`, from options to results. Importing it loads no torch or NumPy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data import catalog
from genie_cli.data.dataset import Dataset
from genie_cli.data.random_split import split_file
from genie_cli.devices import is_main_process
from genie_cli.evaluate import obtain, results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.evaluate.pairs import parse_pairs
from genie_cli.files.writing import reraise_as_output_error
from genie_cli.generate.run import Run
from genie_cli.jobs import Job
from genie_cli.longtail.cost import TrainingCost
from genie_cli.longtail.groups import Profile
from genie_cli.longtail.options import (
    CONFUSION_FILE,
    LongTailOptions,
    uses_confusion,
)
from genie_cli.longtail.results import Comparison, Conditions, Record, Records
from genie_cli.longtail.tail import (
    TailJobs,
    hardest_of,
    measured_confusion,
)
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from genie_cli.diffusion.locate import Located
    from genie_cli.longtail.compare import Trained
    from genie_cli.longtail.trainings import Trainings

_TOP_K = 4  # most-confused classes that the confusion file lists for each class


@dataclass(frozen=True)
class Benchmark:
    """A run that has been checked.

    Attributes:
        settings: with the defaults that suit the data set.
        profile: training images of each class.
        tail: which images the Few classes need, before it is known which classes are confused with each other.
        located: the diffusion model; None if manifests have the images or none are needed.
    """

    options: LongTailOptions
    settings: Settings
    observer: Observer
    dataset: Dataset
    profile: Profile
    augmentations: Sequence[Augmentation]
    tail: TailJobs
    trainings: Trainings
    located: Located | None

    @cached_property
    def confusion(self) -> Confusion | None:
        """Which classes are confused with each other; None if no augmentation asks for it. May be measured for it.

        Raises:
            FolderError: fewer than two classes have two images.
            ModelError, OutputError: see `confuse.cross_validation.from_sources`.
        """
        if self.options.confusion or not uses_confusion(self.augmentations):
            return self.options.confusion
        backbone = self.options.backbone or catalog.entry("longtail", self.options.dataset).backbone
        return measured_confusion(self.dataset, backbone, self.settings.model.device, self.observer)

    @cached_property
    def jobs(self) -> Mapping[Augmentation, Sequence[Job]]:
        """The jobs of each augmentation's images. Measures confusions if need be.

        Raises:
            UsageError: the confusion matrix does not know a class, or a class has no source.
        """
        tail = self.tail
        if self.confusion:
            top_k = self.settings.generate.top_k
            tail = replace(tail, hardest=hardest_of(self.confusion, list(tail.wanted), top_k, self.observer))
        return {augmentation: tail.jobs(augmentation) for augmentation in self.augmentations}

    @property
    def _every_job(self) -> list[Job]:
        return [job for jobs in self.jobs.values() for job in jobs]

    @cached_property
    def run(self) -> Run | None:
        """Makes the generated images; None if manifests have them or none are needed. Errors as `jobs`."""
        if not self.located:
            return None
        return obtain.run_for(
            self._every_job, self.dataset.root, self.settings, self.located, self.options.out, self.observer
        )

    def require_images(self) -> None:
        """Raise FolderError if an image of a published data set is broken; of others such images are left out."""
        from genie_cli.evaluate.readable import require_readable

        entry = catalog.entry("longtail", self.options.dataset)
        if not (entry.is_own or entry.is_bundled or self.options.partial) and is_main_process():
            hint = "put back these files as they were published; or leave them out: --partial"
            require_readable(self.dataset.root, [*self.dataset.train, *self.dataset.test], self.observer, hint)

    def cost(self) -> TrainingCost:
        """What the trainings would take; measures a few training steps, but no confusions.

        Raises:
            ModelError: not even a few images fit into the device's memory.
        """
        added = {augmentation.label: self.tail.count(augmentation) for augmentation in self.augmentations}
        return TrainingCost.of(self.trainings, added)

    def train(self) -> Trained:
        """Make or read the images, and train and test with every augmentation and seed.

        Trainings and the confusion matrix are written to ``options.out``; what exists already is not made again.

        Returns:
            The outcomes, for `compare.pooled`, too; none in all processes but the main one.

        Raises:
            UsageError: an image is missing from the manifests, or see `jobs`.
            ManifestError: a manifest has a bad line.
            FolderError: an image of a published data set is broken.
            ImageError: an image cannot be read any more.
            ModelError: a model cannot be loaded, or does not fit into memory.
            OutputError: the output folder cannot be written, or has files of other trainings or that genie did not
                write.
        """
        from genie_cli.longtail.compare import Trained

        out = self.options.out
        self.require_images()
        jobs, run = self.jobs, self.run
        with reraise_as_output_error(out):
            out.mkdir(parents=True, exist_ok=True)
        if self.confusion and is_main_process():
            self.confusion.write(out / CONFUSION_FILE, top_k=_TOP_K)
        images = obtain.make(run) if run else obtain.read(self.options.manifests)
        images.require(self._every_job)
        outcomes = self.trainings.run_all(jobs, images, self.observer)
        return Trained(self.profile, self.dataset.test, outcomes, images.steps, self.dataset.originals)

    def evaluate(self) -> Records:
        """Do what `train` does, and write the results, and the comparisons if any were asked for, to ``options.out``.

        Returns:
            The records; none in all processes but the main one.

        Raises:
            Errors as `train`.
        """
        out, recipe, trained = self.options.out, self.trainings.recipe, self.train()
        split = split_file(self.dataset)
        conditions = Conditions(
            self.dataset_name,
            recipe,
            self.profile,
            self.options.partial,
            has_checkpoint=bool(self.options.checkpoint),
            steps=None if self.options.soft_labels else trained.steps,
            split=hashlib.sha256("".join(split.values()).encode()).hexdigest() if split else None,
        )
        records = Records(conditions.records_of(trained.outcomes), trained)
        if records and is_main_process():
            asked = parse_pairs(self.options.compare, [augmentation.label for augmentation in self.augmentations])
            for pair in asked:
                found = trained.compare(*pair)
                records.comparisons += Comparison.of(self.dataset_name, recipe.network, *pair, found)
            files = results.files_of(Record, records)
            compared = results.files_of(Comparison, records.comparisons, results.COMPARISONS) if asked else {}
            results.write(out, files | compared | split)
        return records

    @property
    def dataset_name(self) -> str:
        """The data set's name in results, with its pool."""
        return catalog.entry("longtail", self.options.dataset).name_of(self.settings.data.pool)
