"""What `genie fewshot` and `genie finegrained` have in common: options, plans and the table of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, show, stderr
from genie_cli.cli._names import tell_written
from genie_cli.cli._options import EVALUATION, INPUT, option
from genie_cli.cli._plans import check_plan_path, show_plan
from genie_cli.cli._settings import Chosen
from genie_cli.data import class_names
from genie_cli.errors import UsageError
from genie_cli.evaluate.augmentations import AugmentationName
from genie_cli.settings import split_list

if TYPE_CHECKING:
    from genie_cli.fewshot.results import Records
    from genie_cli.fewshot.task import Task
    from genie_cli.generate.run import Run

AUGMENTATIONS = tuple(AugmentationName)

_LISTS = ("augment", "manifest", "episode_list")  # options that take several values, repeated or with commas

EpisodeLists = Annotated[
    list[str] | None,
    option("--episode-list", help="Run these episodes: files of an earlier run.", panel=INPUT, metavar="FILE,..."),
]
Checkpoint = Annotated[
    Path | None, option("--checkpoint", help="File with the backbone's weights.", panel=EVALUATION, metavar="FILE")
]
Baseline = Annotated[
    str | None,
    option(
        "--baseline",
        help="Augmentation to compare the others with, such as 'genie r=0.8'.",
        panel=EVALUATION,
        metavar="NAME",
        default="weak",
    ),
]

Compare = Annotated[
    list[str] | None,
    option(
        "--compare",
        help="Print the paired difference of two augmentations, with both intervals, as 'genie r=0.8,txt2img'.",
        panel=EVALUATION,
        metavar="A,B",
    ),
]


def augment(default: str) -> Any:
    """The option --augment."""
    return option(
        "--augment",
        help=f"Augmentations to compare: {', '.join(AUGMENTATIONS)}.",
        panel=EVALUATION,
        metavar="NAME,...",
        default=default,
        choices=AUGMENTATIONS,
    )


def backbone(default: str) -> Any:
    """The option --backbone."""
    return option(
        "--backbone",
        help="digits (bundled), lite0 or lite0-64 (ImageNet, without a hub), unisiam-resnet18, -34 or -50 with "
        "--checkpoint, or a timm model.",
        panel=EVALUATION,
        metavar="NAME",
        default=default,
    )


def dataset(known: Sequence[str], text: str) -> Any:
    """The option --dataset."""
    return option("--dataset", help=text, panel=INPUT, metavar="NAME", default=known[0], choices=known)


def out(default: str) -> Any:
    """The option --out."""
    from genie_cli.cli._options import OUTPUT

    return option(
        "--out", help="Folder for results, episode lists and generated images.", panel=OUTPUT, metavar="DIR",
        default=default,
    )  # fmt: skip


def compare(
    task: Task,
    evaluate: Callable[..., Records],
    asked: Mapping[str, Any],
    chosen: Chosen,
    plan_out: str | None,
    dry_run: bool,
    as_json: bool,
    names_out: Path | None,
) -> None:
    """Do what the options of a command ask for.

    Args:
        evaluate: the function of `api` that the command calls.
        asked: its arguments, without settings and observer; lists as they were typed.
        names_out: where to write what the classes are called, and nothing else.
    """
    asked = {**asked, **{name: tuple(split_list(asked[name]) or ()) for name in _LISTS}}
    observer = ConsoleObserver()
    if names_out:
        write_names(names_out, task.name, asked, chosen, observer)
        return
    if plan_out or dry_run:
        check_plan_path(plan_out)
        show_plan(_needed_images(task, asked, chosen, observer), plan_out, as_json)
        return
    found = evaluate(**asked, settings=chosen.settings, observer=observer, **chosen.options)
    _show(task, found, Path(asked["out"]), as_json)


def _needed_images(task: Task, asked: Mapping[str, Any], chosen: Chosen, observer: ConsoleObserver) -> Run:
    from genie_cli.fewshot.options import FewShotOptions
    from genie_cli.fewshot.prepare import prepare

    named = {name: asked[name] for name in asked if name not in ("manifest", "episode_list", "class_names")}
    names = class_names.read_if_given(asked["class_names"])
    lists = tuple(map(Path, asked["episode_list"]))
    options = FewShotOptions(**named, manifests=asked["manifest"], episode_lists=lists, names=names)
    run = prepare(task, options, chosen.settings, chosen.typed, observer, plan_only=True).run
    if run is None:
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    return run


def write_names(
    path: Path, benchmark: str, asked: Mapping[str, Any], chosen: Chosen, observer: ConsoleObserver
) -> None:
    """Write what the classes of the data set are called in prompts."""
    known = ("dataset", "lists", "partial", "class_names")
    given = {name: asked[name] for name in known if name in asked}
    count = api.write_dataset_class_names(path, benchmark, **given, settings=chosen.settings, observer=observer)
    tell_written(path, count)


def _show(task: Task, records: Records, out: Path, as_json: bool) -> None:
    """The results; on stderr what was left out, what else the paper says, and where everything is."""
    from genie_cli.cli._tables import comparison_table, fewshot_table
    from genie_cli.evaluate.results import lines

    compared = [comparison_table(records.comparisons)] if records.comparisons else []
    show([lines(records), lines(records.comparisons)], [fewshot_table(records), *compared], as_json)
    for record in (record for record in records if record.rejected):
        left_out = f"{record.rejected:.1%} of the images were rejected or not selected"
        stderr().print(f"{record.augmentation}, {record.shots}-shot: {left_out}")
    remark = task.remark(records[0].dataset, records[0].backbone.partition("@")[0])
    if remark and any(record.paper is not None for record in records):
        stderr().print(remark, soft_wrap=True)
    stderr().print(f"results, predictions and the lists of episodes are in {out}", soft_wrap=True)
