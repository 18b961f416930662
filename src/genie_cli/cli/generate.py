"""`genie generate`: hard negatives from a folder of images, or from a plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from typer import Exit

from genie_cli import api, manifest
from genie_cli.cli._console import ConsoleObserver, facts, point_on, show, stderr, wants_lines, write_lines
from genie_cli.cli._names import ClassNamesFile, WriteClassNames, tell_written
from genie_cli.cli._options import (
    ADVANCED,
    INPUT,
    OUTPUT,
    RUN,
    DryRun,
    PlanOut,
    option,
    whole_number,
    with_settings,
)
from genie_cli.cli._plans import check_plan_path, show_estimate, show_plan
from genie_cli.cli._settings import Chosen
from genie_cli.data.listing import counted
from genie_cli.errors import UsageError
from genie_cli.files.reading import lines_in, read_lines, reason
from genie_cli.generate.request import ALL, tidy_names
from genie_cli.generate.run import Made, Run
from genie_cli.jobs import ADAPTIVE_R
from genie_cli.manifest import Row
from genie_cli.settings import split_list


@with_settings(api.GENERATE, {"generate.r": ADAPTIVE_R})
def generate(
    chosen: Chosen,
    src_dir: Annotated[
        Path | None, option(help="Folder of source images, one subfolder per class.", panel=INPUT, metavar="DIR")
    ] = None,
    src_label: Annotated[
        str | None,
        option(help="Class of all images in --src-dir, if it has no subfolders.", panel=INPUT, metavar="NAME"),
    ] = None,
    targets: Annotated[
        list[str] | None,
        option(
            help="Classes to generate: lynx,leopard, @file with one name per line (@-: stdin), or "
            "all (every class of --src-dir).",
            panel=INPUT,
            metavar="NAME,...",
        ),
    ] = None,
    plan: Annotated[
        str | None, option(help="Generate the jobs of this plan ('-': stdin).", panel=INPUT, metavar="FILE")
    ] = None,
    confusion: Annotated[
        Path | None,
        option(
            help="Draw sources from the classes most confused with each target: a file that genie confuse wrote.",
            panel=INPUT,
            metavar="FILE",
        ),
    ] = None,
    class_names: ClassNamesFile = None,
    backbone: Annotated[
        str | None,
        option(
            help="With --r adaptive: the network by whose features one of .5, .6, .7, .8, .9 is chosen for each image: "
            "digits, lite0, lite0-64, unisiam-resnet18, -34 or -50 with --checkpoint, or a timm model.",
            panel=ADVANCED,
            metavar="NAME",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, option(help="File with the backbone's weights.", panel=ADVANCED, metavar="FILE")
    ] = None,
    plan_out: PlanOut = None,
    write_class_names: WriteClassNames = None,
    json_: Annotated[bool, option("--json", help="Print the manifest to stdout, as in a pipe.", panel=OUTPUT)] = False,
    shard: Annotated[
        str | None,
        option(
            help="Make only part i of n, as i/n; all parts share --out. slurm: as the task of a job array.",
            panel=RUN,
            metavar="I/N",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        option(
            help="Make only the first N images of the plan, or of the part.",
            panel=RUN,
            metavar="INT",
            parser=whole_number(1),
        ),
    ] = None,
    dry_run: DryRun = False,
    profile: Annotated[bool, option("--profile", help="Show where the time went.", panel=RUN)] = False,
) -> None:
    """Make images of target classes from photos of other classes (GeNIe), of the same class, or from noise.

    A run that was stopped resumes when the same command is run again. Exits with 3 if some images failed.

    Example: genie generate --src-dir photos --targets lynx,leopard --r 0.8
    """
    if profile and (dry_run or plan_out):
        raise UsageError("--dry-run and --plan-out make no images: leave out --profile")
    if write_class_names:
        _write_class_names(write_class_names, src_dir, src_label, targets, plan, class_names)
        return
    observer = ConsoleObserver()
    options = {
        "src_dir": src_dir,
        "targets": _read_targets(targets),
        "src_label": src_label,
        "confusion": confusion,
        "plan": plan,
        "class_names": class_names,
        "shard": shard,
        "limit": limit,
        "backbone": backbone,
        "checkpoint": checkpoint,
        "profile": profile,
        "settings": chosen.settings,
        "observer": observer,
        **chosen.options,
    }
    if plan_out or dry_run:
        _preview(options, plan_out, json_, observer)
        return
    made = api.generate(**options)
    if made.stopwatch:  # before the manifest goes to a reader that may be slow
        from genie_cli.cli._progress import show_profile

        show_profile(made.stopwatch, stderr())
    _report(made, json_)
    if made.made + made.resumed and not chosen.settings.generate.probe:
        judging = ["genie", "oracle", str(made.root), "--out", str(made.root / "judged.jsonl")]
        point_on("which of them show their label", judging)
    if made.failed or made.skipped or made.left_out:
        raise Exit(3 if made.made + made.resumed else 1)


def _write_class_names(
    path: Path,
    src_dir: Path | None,
    src_label: str | None,
    targets: list[str] | None,
    plan: str | None,
    own: Path | None,
) -> None:
    if plan:
        raise UsageError(
            "--write-class-names is about --src-dir and --targets: leave out --plan, which has its prompts"
        )
    count = api.write_class_names(path, src_dir, _read_targets(targets), src_label=src_label, class_names=own)
    tell_written(path, count)


def _read_targets(words: Sequence[str] | None) -> tuple[str, ...]:
    """Class names, given with commas or one by one, or one per line in the file after ``@``."""
    names: list[str] = []
    for word in words or ():
        if not word.startswith("@"):
            names += split_list([word]) or []
            continue
        try:
            names += _standard_input() if word == "@-" else read_lines(word[1:])
        except OSError as error:
            raise UsageError(f"--targets: {word[1:]} cannot be read: {reason(error)}") from None
        except UnicodeDecodeError:
            raise UsageError(f"--targets: {word[1:]} is not UTF-8 text") from None
    found = tidy_names(names)
    if words and not found:
        raise UsageError(f"--targets {', '.join(map(repr, words))} names no class")
    if ALL in found and len(found) > 1:
        raise UsageError("--targets all stands for every class: leave out the other names")
    return found


def _standard_input() -> list[str]:
    """The lines of standard input."""
    return lines_in(sys.stdin.buffer.read().decode("utf-8-sig"))


def _preview(options: Mapping[str, Any], plan_out: str | None, as_json: bool, observer: ConsoleObserver) -> None:
    """Write the plan to a file, or show what would be made, or print the plan."""
    check_plan_path(plan_out)
    is_adaptive = options.get("r") == ADAPTIVE_R
    if is_adaptive and as_json and not plan_out:
        raise UsageError(
            "--dry-run makes no probes, by which the plan of --r adaptive is chosen: leave out --json",
            "--plan-out plan.jsonl makes them, and writes the plan",
        )
    with api.planned(**options) as run:
        if plan_out:
            show_plan(run, plan_out, as_json)
        else:
            _show(run, as_json or (wants_lines(as_json) and not is_adaptive), observer)


def _show(run: Run, as_lines: bool, observer: ConsoleObserver) -> None:
    classes = ", ".join(f"{label} ({count})" for label, count in run.plan.classes.items())
    if as_lines:
        if classes:
            observer.found(f"{counted(len(run.plan.classes), 'source class', 'source classes')}: {classes}")
        write_lines(run.lines())
        return
    show_estimate(run, {"source classes": classes} if classes else {})


def _report(made: Made, as_json: bool) -> None:
    table: dict[str, object] = {"made": made.made, "already there": made.resumed, "failed": made.failed}
    table |= {"skipped": made.skipped} if made.skipped else {}
    table |= {"chosen r": ", ".join(f"{r:g}: {count}" for r, count in made.chosen.items())} if made.chosen else {}
    table |= {"images": f"{made.root}/train/<class>/", "manifest": made.manifest}
    counts = facts("", {key: value for key, value in table.items() if value or key == "made"})
    show(_manifest(made), [counts], as_json)


def _manifest(made: Made) -> Iterator[str]:
    """The manifest, with its root spelled out, since a pipe does not say where it comes from."""
    with manifest.opened(made.manifest) as document:
        header = document.header.model_copy(update={"root": str(made.root.resolve())})
        yield from manifest.lines_of(header, map(Row.line, document.rows()), header.rows)
