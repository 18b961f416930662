"""`genie longtail`: what generated images do for the rare classes of a long-tailed data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from genie_cli import api
from genie_cli.cli import _episodes
from genie_cli.cli._console import ConsoleObserver, facts, show, stderr, stdout, wants_lines
from genie_cli.cli._names import ClassNamesFile, WriteClassNames
from genie_cli.cli._options import (
    EVALUATION,
    INPUT,
    OUTPUT,
    TRAINING,
    DryRun,
    Json,
    Manifests,
    Partial,
    PlanOut,
    SoftLabels,
    option,
    with_settings,
)
from genie_cli.cli._plans import check_plan_path, show_plan
from genie_cli.cli._printable import duration
from genie_cli.cli._settings import Chosen
from genie_cli.confuse.confusion import Confusion
from genie_cli.data.catalog import choices
from genie_cli.data.class_names import read_if_given
from genie_cli.errors import UsageError
from genie_cli.longtail.options import KNOWN
from genie_cli.settings import split_list

if TYPE_CHECKING:
    from genie_cli.longtail.benchmark import Benchmark
    from genie_cli.longtail.results import Records

_DATASETS = choices("longtail")
_OUT = "genie-longtail"


@with_settings(api.LONGTAIL)
def longtail(
    chosen: Chosen,
    dataset: Annotated[
        str,
        _episodes.dataset(
            _DATASETS,
            f"Data set: {', '.join(_DATASETS)}. The digits are bundled; folder is your own.",
        ),
    ] = _DATASETS[0],
    lists: Annotated[
        Path | None,
        option(help="Folder of ImageNet-LT's lists.", panel=INPUT, metavar="DIR", default="that of the images"),
    ] = None,
    partial: Partial = False,
    manifest: Manifests = None,
    class_names: ClassNamesFile = None,
    confusion: Annotated[
        Path | None,
        option(
            help="Which classes are confused with each other: a file that genie confuse wrote.",
            panel=INPUT,
            metavar="FILE",
            default="measured, with --backbone",
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        option(
            help="Network to measure confusions with: a timm model, digits or lite0.",
            panel=INPUT,
            metavar="NAME",
            default="DINOv2 ViT-B/14; digits for the digits",
        ),
    ] = None,
    augment: Annotated[
        list[str] | None,
        option(
            help=f"Augmentations to compare: {', '.join(KNOWN)}.",
            panel=EVALUATION,
            metavar="NAME,...",
            default="all but img2img",
            choices=KNOWN,
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        option(
            "--compare",
            help="Print the paired difference of two augmentations, with both intervals, e.g. 'genie r=0.8,txt2img'.",
            panel=EVALUATION,
            metavar="A,B",
        ),
    ] = None,
    soft_labels: SoftLabels = False,
    checkpoint: Annotated[
        Path | None,
        option(
            help="File of weights to start from, such as LiVT's or MAE's.",
            panel=TRAINING,
            metavar="FILE",
            default="timm's for --network NAME.tag, else random",
        ),
    ] = None,
    out: Annotated[
        Path,
        option(help="Folder for results, trainings and generated images.", panel=OUTPUT, metavar="DIR", default=_OUT),
    ] = Path(_OUT),
    write_class_names: WriteClassNames = None,
    plan_out: PlanOut = None,
    json_: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Compare what generated images do for the rare classes of a long-tailed data set (the paper's Table 3).

    Makes images for the Few classes, unless --manifest has them, and trains a classifier with each augmentation and
    seed by LiVT's recipe; the digits have a smaller one. A run that was stopped resumes when it is run again.

    Example: genie longtail --dataset imagenet-lt --data-dir ILSVRC --checkpoint livt.pth
    """
    asked: dict[str, Any] = {
        "dataset": dataset,
        "out": out,
        "augment": tuple(split_list(augment) or ()),
        "lists": lists,
        "manifest": tuple(split_list(manifest) or ()),
        "confusion": Confusion.read(confusion) if confusion else None,
        "backbone": backbone,
        "checkpoint": checkpoint,
        "partial": partial,
        "soft_labels": soft_labels,
        "compare": tuple(compare or ()),
        "class_names": class_names,
    }
    observer = ConsoleObserver()
    if write_class_names:
        _episodes.write_names(write_class_names, "longtail", asked, chosen, observer)
        return
    if plan_out or dry_run:
        _preview(asked, chosen, plan_out, json_, observer)
        return
    records = api.longtail(**asked, settings=chosen.settings, observer=observer, **chosen.options)
    if records:  # one process of several has them
        _show(records, out, json_)


def _preview(
    asked: dict[str, Any], chosen: Chosen, plan_out: str | None, as_json: bool, observer: ConsoleObserver
) -> None:
    """Write the plan of the generated images, or show what they and the trainings would take."""
    from genie_cli.cli._chart import chart
    from genie_cli.longtail.options import LongTailOptions
    from genie_cli.longtail.prepare import prepare

    check_plan_path(plan_out)
    named = {"manifests" if name == "manifest" else name: asked[name] for name in asked if name != "class_names"}
    options = LongTailOptions(**named, names=read_if_given(asked["class_names"]))
    benchmark = prepare(options, chosen.settings, chosen.typed, observer, plan_only=bool(plan_out))
    stderr().print(chart(benchmark.profile))
    run = benchmark.run
    if plan_out and run is None:
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    if run is not None:
        show_plan(run, plan_out, as_json)
    if not plan_out:
        _show_cost(benchmark, as_json)


def _show_cost(benchmark: Benchmark, as_json: bool) -> None:
    """What the trainings would take."""
    cost = benchmark.cost()
    added = ", ".join(f"{count} ({label})" for label, count in cost.added.items())
    table = {
        "trainings": f"{cost.trainings} of {cost.epochs} epochs",
        "images": f"{cost.real_images} real, and added: {added}",
        "optimizer steps": f"{cost.optimizer_steps}, of {cost.batch} images ({cost.micro_batch} at a time per device)",
        "network": f"{cost.network}, {cost.parameters / 1e6:.1f} million parameters",
        "memory": f"about {cost.memory / 2**30:.2f} GiB on {cost.device}",
        "time": f"about {duration(cost.seconds)}, without the time to load images (one step was timed)",
    }
    console = stderr() if wants_lines(as_json) else stdout()
    console.print(facts("Nothing was trained. The trainings would take:", table))


def _show(records: Records, out: Path, as_json: bool) -> None:
    """The results, and where everything is."""
    from genie_cli.cli._tables import longtail_comparisons, longtail_table
    from genie_cli.evaluate.results import lines

    compared = [longtail_comparisons(records.comparisons)] if records.comparisons else []
    show([lines(records), lines(records.comparisons)], [longtail_table(records), *compared], as_json)
    also = " (and comparisons)" if records.comparisons else ""
    stderr().print(
        f"results.jsonl and results.csv{also} are in {out}, each network in {out / 'trainings'}", soft_wrap=True
    )
