"""A few-shot run: the pool, the episodes, the images they need, and what comes of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from genie_cli import manifest
from genie_cli.cli import asked as asking
from genie_cli.cli.asked import Asked, Listed
from genie_cli.cli.checks import open_plan
from genie_cli.cli.console import wants_lines, words
from genie_cli.cli.planning import Planned
from genie_cli.cli.running import Work
from genie_cli.config import STABLE_DIFFUSION, Format, Settings
from genie_cli.errors import UsageError
from genie_cli.files import put, require_own
from genie_cli.jobs import Job, Recipe

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone
    from genie_cli.diffusion.locate import Located
    from genie_cli.evaluate.augmentations import Augmentation, Needs
    from genie_cli.evaluate.episodes import Pool
    from genie_cli.evaluate.fewshot import Outcome
    from genie_cli.evaluate.images import Images
    from genie_cli.report.fewshot import Record


def measure(settings: Settings, asked: Asked, given: set[str], *, as_json: bool = False, dry_run: bool = False) -> None:
    """Do what `genie fewshot` does.

    Args:
        given: names of the settings that were given as options.

    Raises:
        UsageError, FolderError, ModelError, OutputError: see the rooms that raise them.
    """
    augmentations = asking.augmentations(asked)
    asking.check(asked, given, augmentations, dry_run)
    pool = asked.dataset.pool(settings.data.dir, asked.partial)
    lists = list(asking.lists(settings, asked, pool))
    if asked.manifests:
        needs, images = _needs(settings, pool, ""), _read(asked.manifests)
        _prepare(asked.out, lists)
    else:
        located = _locate(settings, asked)
        needs = _needs(settings, pool, located.identity)
        work = _work(settings, asked, located, pool, _jobs(lists, augmentations, needs))
        if asked.plan_out:
            _write_plan(work, asked.plan_out)
            return
        if dry_run:
            work.preview(as_json=as_json)
            return
        _prepare(asked.out, lists)
        images = _make(work)
    records = _run(settings, asked, lists, augmentations, pool, needs, images)
    _save(asked.out, lists, records)
    _show(records, asked.out, as_json)


def _locate(settings: Settings, asked: Asked) -> Located:
    """The model that makes the images; the digits have one of their own."""
    from genie_cli.diffusion.locate import locate

    return locate(_model(settings, asked), settings.model.commit)


def _model(settings: Settings, asked: Asked) -> str:
    own = asked.dataset.is_digits and settings.model.name == STABLE_DIFFUSION
    return "digits" if own else settings.model.name


def _needs(settings: Settings, pool: Pool, model: str) -> Needs:
    """Which images the episodes need of ``model``; of any, if it is empty."""
    from genie_cli.evaluate.augmentations import Needs

    wanted = settings.generate
    recipe = Recipe(targets=(), prompt=wanted.prompt, superclass=wanted.superclass, model=model)
    return Needs(lambda label: recipe.prompt_for(pool.name_of(label)), model, wanted.seed)


def _read(manifests: Sequence[str]) -> Images:
    from genie_cli.evaluate.images import Images

    images = Images()
    for name in manifests:
        with open_plan(name) as stream:
            document = manifest.read(stream, "standard input" if name == "-" else name, "genie.manifest")
            images.add(document, Path(name).parent if name != "-" else Path())
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
    return Work(changed, located, Planned(tuple(jobs), pool.root, {}), jobs, "")


def _write_plan(work: Work, plan_out: str) -> None:
    if plan_out == "-":
        sys.stdout.writelines(work.plan_lines())
        return
    require_own(Path(plan_out), '{"kind":"genie.plan"')
    put(Path(plan_out), "".join(work.plan_lines()).encode())
    words().print(
        f"{plan_out} has {len(work.mine)} images; make them: genie generate --plan {plan_out}", soft_wrap=True
    )


def _make(work: Work) -> Images:
    """Make what is not there yet."""
    if not work.mine:
        return _read(())
    output, summary = work.make()
    if summary.failed:
        words().print(f"{summary.failed} images failed; {output.manifest} says why")
    return _read((str(output.manifest),))


def _backbone(settings: Settings, asked: Asked) -> Backbone:
    from genie_cli.backbones.load import load

    name = asked.backbone or ("digits" if asked.dataset.is_digits else "")
    if not name:
        raise UsageError(
            "say which network gives the features: --backbone",
            "the paper's: --backbone unisiam-resnet18 --checkpoint FILE; or any timm model, "
            "such as --backbone vit_small_patch14_dinov2.lvd142m",
        )
    return load(name, asked.checkpoint, settings.model.device)


def _run(
    settings: Settings,
    asked: Asked,
    lists: Sequence[Listed],
    augmentations: Sequence[Augmentation],
    pool: Pool,
    needs: Needs,
    images: Images,
) -> list[Record]:
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.evaluate.classifiers import Classifier
    from genie_cli.evaluate.fewshot import Study
    from genie_cli.evaluate.looks import Looks

    backbone = _backbone(settings, asked)
    looks = Looks(pool.root, asked.dataset.views(backbone.sight))
    features = Features(backbone, default_folder())
    records: list[Record] = []
    total = len(augmentations) * sum(len(listed.episodes) for listed in lists)
    with _progress() as bar:
        task = bar.add_task("episodes", total=total)
        for listed in lists:
            study = Study(
                listed.episodes,
                looks,
                features,
                Classifier(settings.fewshot.classifier),
                needs,
                images,
                asked.soft_labels,
            )
            outcomes = []
            for augmentation in augmentations:
                bar.update(task, description=f"{augmentation.label}, {listed.design.shots}-shot")
                outcomes.append(study.run(augmentation, lambda: bar.advance(task)))
            records += _records(settings, asked, backbone.name, listed, outcomes)
    return records


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=words(), transient=True)


def _records(
    settings: Settings, asked: Asked, backbone: str, listed: Listed, outcomes: Sequence[Outcome]
) -> Iterator[Record]:
    from genie_cli.evaluate.statistics import estimate, paired_difference
    from genie_cli.report.fewshot import Record
    from genie_cli.report.paper import fewshot

    design, dataset = listed.design, asked.dataset.value
    weak = next((outcome.accuracies for outcome in outcomes if outcome.augmentation.label == "weak"), None)
    for outcome in outcomes:
        name = outcome.augmentation.label
        accuracy = estimate(100 * outcome.accuracies)
        gain = paired_difference(100 * outcome.accuracies, 100 * weak) if weak is not None else None
        yield Record(
            dataset=dataset,
            backbone=backbone,
            classifier=settings.fewshot.classifier,
            ways=design.ways,
            shots=design.shots,
            queries=design.queries,
            episodes=accuracy.count,
            episode_list=listed.sha256,
            augmentation=name,
            accuracy=round(accuracy.mean, 4),
            interval=round(accuracy.half_width, 4),
            difference=round(gain.mean, 4) if gain else None,
            difference_interval=round(gain.half_width, 4) if gain else None,
            added=round(outcome.added, 3),
            rejected=round(outcome.rejected, 4),
            paper=fewshot(dataset, asked.backbone or "", design.ways, design.shots, name),
        )


def _prepare(out: Path, lists: Sequence[Listed]) -> None:
    """Before hours of work: the results may be written, over an earlier run's and nothing else."""
    from genie_cli.output import explained

    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
    require_own(out / "results.jsonl", '{"dataset":')
    require_own(out / "results.csv", "dataset,")
    for listed in lists:
        require_own(_list_file(out, listed), '{"kind": "genie.episodes"')


def _save(out: Path, lists: Sequence[Listed], records: Sequence[Record]) -> None:
    from genie_cli.report.fewshot import comma_separated, lines

    for listed in lists:
        put(_list_file(out, listed), listed.text.encode())
    put(out / "results.jsonl", lines(records).encode())
    put(out / "results.csv", comma_separated(records).encode())


def _list_file(out: Path, listed: Listed) -> Path:
    return out / f"episodes-{listed.design.ways}-way-{listed.design.shots}-shot.jsonl"


def _show(records: Sequence[Record], out: Path, as_json: bool) -> None:
    from genie_cli.report.fewshot import lines, table

    if wants_lines(as_json):
        sys.stdout.write(lines(records))
    else:
        Console().print(table(records))
    rejected = [r for r in records if r.rejected]
    for record in rejected:
        share = f"{record.rejected:.1%}"
        words().print(f"{record.augmentation}, {record.shots}-shot: the oracle rejected {share} of the images")
    words().print(f"results.jsonl, results.csv and the lists of episodes are in {out}")
