"""A run on episodes: the pool, the episodes, the images they need, and what comes of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli import manifest
from genie_cli.cli import asked as asking
from genie_cli.cli import results
from genie_cli.cli.asked import Asked, Listed
from genie_cli.cli.checks import open_plan
from genie_cli.cli.console import progress, words
from genie_cli.cli.planning import Planned
from genie_cli.cli.running import Work
from genie_cli.config import STABLE_DIFFUSION, Format, Settings
from genie_cli.errors import UsageError
from genie_cli.files import put, require_own
from genie_cli.jobs import Job, Plan, Recipe

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone
    from genie_cli.diffusion.locate import Located
    from genie_cli.evaluate.augmentations import Augmentation, Needs
    from genie_cli.evaluate.episodes import Pool
    from genie_cli.evaluate.images import Images
    from genie_cli.report.fewshot import Record


def measure(settings: Settings, asked: Asked, given: set[str], *, as_json: bool = False, dry_run: bool = False) -> None:
    """Do what `genie fewshot` and `genie finegrained` do.

    Args:
        given: names of the settings that were given as options.

    Raises:
        UsageError, FolderError, ModelError, OutputError: see the rooms that raise them.
    """
    if asked.dataset.is_digits:
        settings, asked = _suited_to_digits(settings, asked, given)
    augmentations = asking.augmentations(asked)
    asking.check(asked, settings, given, augmentations, dry_run)
    pool = asked.dataset.pool(settings.data.dir, asked.partial)
    lists = asking.lists(settings, asked, pool)
    # Without images to make no model is looked for, which could be a download.
    making = not asked.manifests and any(augmentation.generates for augmentation in augmentations)
    located = _locate(settings, given) if making else None
    needs = _needs(settings, pool, located.identity if located else "", given)
    work = _work(settings, asked, located, pool, _jobs(lists, augmentations, needs)) if located else None
    if work and asked.plan_out:
        _write_plan(work, asked.plan_out)
        return
    if work and dry_run:
        work.preview(as_json=as_json)
        return
    images = _read(asked.manifests)
    backbone = _backbone(settings, asked)  # before hours of making images: it may not be there
    results.prepare(asked.out, lists)
    if work:
        images = _make(work)
    records = _run(asked, lists, augmentations, pool, backbone, needs, images)
    results.save(asked.out, lists, records)
    results.show(asked, records, as_json)


def _suited_to_digits(settings: Settings, asked: Asked, given: set[str]) -> tuple[Settings, Asked]:
    """The digits have a model of their own, and no more classes than their encoder has not seen, unless told."""
    from genie_cli.backbones.digits import NOVEL_CLASSES
    from genie_cli.diffusion.locate import BUNDLED

    if settings.model.name == STABLE_DIFFUSION and "name" not in given:
        settings = settings.model_copy(update={"model": settings.model.model_copy(update={"name": BUNDLED})})
    usual, most = type(asked.wanted)().ways, len(NOVEL_CLASSES)
    if asked.wanted.ways == usual > most and not asked.episode_lists and "ways" not in given:
        asked = replace(asked, wanted=asked.wanted.model_copy(update={"ways": most}))
        words().print(f"{most}-way, not {usual}: the digits' encoder was trained on the other five classes")
    return settings, asked


def _locate(settings: Settings, given: set[str]) -> Located:
    """The model that makes the images."""
    from genie_cli.diffusion.locate import is_local, locate

    if "revision" in given and is_local(settings.model.name):
        raise UsageError("--revision goes with a model of the hub; this one is on this machine")
    return locate(settings.model.name, settings.model.commit)


def _needs(settings: Settings, pool: Pool, model: str, given: set[str]) -> Needs:
    """Which images the episodes need of ``model``; of any, if it is empty."""
    from genie_cli.evaluate.augmentations import Needs

    wanted = settings.generate
    superclass = wanted.superclass or ("" if "superclass" in given else pool.superclass)
    recipe = Recipe(targets=(), prompt=wanted.prompt, superclass=superclass, model=model)
    return Needs(lambda label: recipe.prompt_for(pool.name_of(label)), model, wanted.seed)


def _read(manifests: Sequence[str], only: Collection[str] | None = None) -> Images:
    """The images of the manifests; of these jobs only, by their ids, if that is said."""
    from genie_cli.evaluate.images import Images

    images = Images()
    for name in manifests:
        with open_plan(name) as stream:
            document = manifest.read(stream, "standard input" if name == "-" else name, "genie.manifest")
            wanted = document if only is None else document.only(only)
            images.add(wanted, Path(name).parent if name != "-" else Path())
    return images


def _jobs(lists: Sequence[Listed], augmentations: Sequence[Augmentation], needs: Needs) -> list[Job]:
    """The jobs that make all images that the episodes need, source by source, so that each is read once."""
    from genie_cli.evaluate.fewshot import missing
    from genie_cli.evaluate.images import Images

    wanted = (job for listed in lists for job in missing(listed.episodes, augmentations, needs, Images()))
    return sorted({job.id: job for job in wanted}.values(), key=_order)


def _order(job: Job) -> tuple[object, ...]:
    return job.source.path if job.source else "", job.method.value, job.target, job.replicate, job.r


def _work(settings: Settings, asked: Asked, located: Located, pool: Pool, jobs: Sequence[Job]) -> Work:
    changed = settings.model_copy(
        update={
            "output": settings.output.model_copy(update={"dir": str(asked.out / "images"), "format": Format.PNG}),
        }
    )
    plan = Plan(lambda: iter(jobs))
    return Work(changed, located, Planned(plan, pool.root, {}), plan, "")


def _write_plan(work: Work, plan_out: str) -> None:
    if plan_out == "-":
        sys.stdout.writelines(work.plan_lines())
        return
    require_own(Path(plan_out), '{"kind":"genie.plan"')
    lines = list(work.plan_lines())
    put(Path(plan_out), "".join(lines).encode())
    words().print(f"{plan_out} has {len(lines) - 1} images; make them: {_generate(work, plan_out)}", soft_wrap=True)


def _generate(work: Work, plan: str) -> str:
    """The command that makes a plan's images with the settings it was made for."""
    command = ["genie", "generate", "--plan", plan]
    used, default = work.settings, Settings()
    chosen = {
        "--model": (used.model.name, default.model.name),
        "--revision": (used.model.revision, default.model.revision),
        "--steps": (used.generate.steps, default.generate.steps),
        "--guidance": (used.generate.guidance, default.generate.guidance),
    }
    command += [word for flag, (now, usual) in chosen.items() if now != usual for word in (flag, str(now))]
    return shlex.join([*command, "--format", "png"])


def _make(work: Work) -> Images:
    """Make what is not there yet."""
    output, summary = work.make()
    if summary.failed:
        words().print(f"{summary.failed} images failed; {output.manifest} says why", soft_wrap=True)
    # Beside this run's images there may be an earlier one's of the same, by another seed or prompt.
    return _read((str(output.manifest),), {job.id for job in work.mine})


def _backbone(settings: Settings, asked: Asked) -> Backbone:
    from genie_cli.backbones.load import load

    if not asked.network:
        raise UsageError(
            "say which network gives the features: --backbone",
            "the paper's: --backbone unisiam-resnet18 --checkpoint FILE; or any timm model, "
            "such as --backbone vit_small_patch14_dinov2.lvd142m",
        )
    return load(asked.network, asked.checkpoint, settings.model.device)


def _run(
    asked: Asked,
    lists: Sequence[Listed],
    augmentations: Sequence[Augmentation],
    pool: Pool,
    backbone: Backbone,
    needs: Needs,
    images: Images,
) -> list[Record]:
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.evaluate.classifiers import Classifier
    from genie_cli.evaluate.fewshot import Study
    from genie_cli.evaluate.looks import Looks

    looks = Looks(pool.root, asked.dataset.views(backbone.sight))
    features = Features(backbone, default_folder())
    records: list[Record] = []
    total = len(augmentations) * sum(len(listed.episodes) for listed in lists)
    with progress() as bar:
        task = bar.add_task("episodes", total=total)
        for listed in lists:
            study = Study(
                listed.episodes,
                looks,
                features,
                Classifier(asked.wanted.classifier),
                needs,
                images,
                asked.soft_labels,
                asked.task.protocol,
            )
            outcomes = []
            for augmentation in augmentations:
                bar.update(task, description=f"{augmentation.label}, {listed.design.shots}-shot")
                outcomes.append(study.run(augmentation, lambda: bar.advance(task)))
            records += results.records_of(asked, backbone.name, listed, outcomes)
    return records
