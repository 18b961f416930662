"""A run on episodes: the pool, the episodes, the images they need, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from genie_cli.cli._console import progress, words
from genie_cli.config import Settings
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks as augmenting
from genie_cli.evaluate import obtain as making
from genie_cli.fewshot import options as asking
from genie_cli.fewshot import results
from genie_cli.fewshot.options import FewShotOptions, Listed
from genie_cli.jobs import Job
from genie_cli.recipe import Recipe

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone
    from genie_cli.evaluate.augmentations import Augmentation, EpisodeJobs
    from genie_cli.evaluate.generated import Images
    from genie_cli.fewshot.episodes import Pool
    from genie_cli.fewshot.records import Record


def measure(
    settings: Settings, asked: FewShotOptions, given: set[str], *, as_json: bool = False, dry_run: bool = False
) -> None:
    """Do what `genie fewshot` and `genie finegrained` do.

    Args:
        given: names of the settings that were given as options.

    Raises:
        UsageError, FolderError, ModelError, OutputError: see the rooms that raise them.
    """
    if asked.dataset.is_digits:
        settings, asked = _suited_to_digits(settings, asked, given)
    augmentations = augmenting.chosen(asked.augment, asked.ratios)
    asking.check(asked, settings, given, augmentations, dry_run)
    pool = asked.dataset.pool(settings.data.dir, asked.partial)
    lists = asking.lists(settings, asked, pool)
    # Without images to make no model is looked for, which could be a download.
    to_make = not asked.manifests and any(augmentation.generates for augmentation in augmentations)
    located = making.located_in(settings, given) if to_make else None
    needs = _needs(settings, pool, located.identity if located else "", given)
    jobs = _jobs(lists, augmentations, needs)
    work = making.work(settings, located, pool.root, jobs, asked.out) if located else None
    if work and asked.plan_out:
        making.write_plan(work, asked.plan_out)
        return
    if work and dry_run:
        work.preview(as_json=as_json)
        return
    images = making.read(asked.manifests)
    backbone = _backbone(settings, asked)  # before hours of making images: it may not be there
    results.prepare(asked.out, lists)
    if work:
        images = making.make(work)
    records = _run(asked, lists, augmentations, pool, backbone, needs, images)
    results.save(asked.out, lists, records)
    results.show(asked, records, as_json)


def _suited_to_digits(settings: Settings, asked: FewShotOptions, given: set[str]) -> tuple[Settings, FewShotOptions]:
    """The digits have a model of their own, and no more classes than their encoder has not seen, unless told."""
    from genie_cli.data.digits import NOVEL_CLASSES

    settings = making.suited_to_digits(settings, given)
    usual, most = type(asked.wanted)().ways, len(NOVEL_CLASSES)
    if asked.wanted.ways == usual > most and not asked.episode_lists and "ways" not in given:
        asked = replace(asked, wanted=asked.wanted.model_copy(update={"ways": most}))
        words().print(f"{most}-way, not {usual}: the digits' encoder was trained on the other five classes")
    return settings, asked


def _needs(settings: Settings, pool: Pool, model: str, given: set[str]) -> EpisodeJobs:
    """Which images the episodes need of ``model``; of any, if it is empty."""
    from genie_cli.evaluate.augmentations import EpisodeJobs

    wanted = settings.generate
    superclass = wanted.superclass or ("" if "superclass" in given else pool.superclass)
    recipe = Recipe(targets=(), prompt=wanted.prompt, superclass=superclass, model=model)
    return EpisodeJobs(lambda label: recipe.prompt_for(pool.name_of(label)), model, wanted.seed)


def _jobs(lists: Sequence[Listed], augmentations: Sequence[Augmentation], needs: EpisodeJobs) -> Iterator[Job]:
    """The jobs that make all images that the episodes need."""
    from genie_cli.fewshot.study import needed

    return (job for listed in lists for job in needed(listed.episodes, augmentations, needs))


def _backbone(settings: Settings, asked: FewShotOptions) -> Backbone:
    from genie_cli.backbones.load import load

    if not asked.network:
        raise UsageError(
            "say which network gives the features: --backbone",
            "the paper's: --backbone unisiam-resnet18 --checkpoint FILE; or any timm model, "
            "such as --backbone vit_small_patch14_dinov2.lvd142m",
        )
    return load(asked.network, asked.checkpoint, settings.model.device)


def _run(
    asked: FewShotOptions,
    lists: Sequence[Listed],
    augmentations: Sequence[Augmentation],
    pool: Pool,
    backbone: Backbone,
    needs: EpisodeJobs,
    images: Images,
) -> list[Record]:
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.fewshot.classifiers import Classifier
    from genie_cli.fewshot.study import FewShotEvaluator
    from genie_cli.fewshot.views import Views

    views = Views(pool.root, asked.dataset.views(backbone.preprocess))
    features = Features(backbone, default_folder())
    records: list[Record] = []
    total = len(augmentations) * sum(len(listed.episodes) for listed in lists)
    with progress() as bar:
        task = bar.add_task("episodes", total=total)
        for listed in lists:
            study = FewShotEvaluator(
                listed.episodes,
                views,
                features,
                Classifier(asked.wanted.classifier),
                needs,
                images,
                asked.soft_labels,
                asked.task.protocol,
            )
            outcomes = []
            for augmentation in augmentations:
                bar.update(task, description=f"{augmentation.label}, {listed.spec.shots}-shot")
                outcomes.append(study.run(augmentation, lambda: bar.advance(task)))
            records += results.records_of(asked, backbone.name, listed, outcomes)
    return records
