"""`genie oracle`: does each image show what its label says, and is it a hard negative? A manifest in, one out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from genie_cli.cli._console import progress, wants_lines, words
from genie_cli.cli._setting_options import INPUT, MODEL, OUTPUT
from genie_cli.errors import UsageError, shorten
from genie_cli.oracle.candidates import Candidates

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone
    from genie_cli.manifest import Row
    from genie_cli.oracle.class_map import ClassMap
    from genie_cli.oracle.judge import Oracle
    from genie_cli.oracle.manifests import Opened
    from genie_cli.oracle.summary import Share, Summary

_JUDGE = "Judge"


def oracle(
    manifest: Annotated[str, Argument(help="A manifest ('-': standard input).", show_default=False)],
    name: Annotated[
        str | None,
        Option(
            "--oracle",
            help="The classifier: digits (bundled), or a timm model.",
            show_default="digits for its images, else deit_base_patch16_224.fb_in1k",
            rich_help_panel=MODEL,
        ),
    ] = None,
    checkpoint: Annotated[Path | None, Option(help="The oracle's weights, a file.", rich_help_panel=MODEL)] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1.", rich_help_panel=MODEL)] = "auto",
    class_map: Annotated[
        Path | None, Option(help="CSV label,class: which class of the oracle's a label means.", rich_help_panel=INPUT)
    ] = None,
    write_class_map: Annotated[
        Path | None, Option(help="Write that map as genie finds it, for you to edit, and stop.", rich_help_panel=OUTPUT)
    ] = None,
    candidates: Annotated[
        Candidates,
        Option(help="The classes that are compared; episode: the manifest's targets.", rich_help_panel=_JUDGE),
    ] = Candidates.ALL,
    min_confidence: Annotated[
        float | None, Option(min=0, max=1, help="Accept from this probability of the target.", rich_help_panel=_JUDGE)
    ] = None,
    consistent_only: Annotated[
        bool, Option("--consistent-only", help="Accept only where the target is the top class.", rich_help_panel=_JUDGE)
    ] = False,
    drop: Annotated[
        bool, Option("--drop", help="Leave out what is not accepted, instead of marking it.", rich_help_panel=OUTPUT)
    ] = False,
    soft_labels: Annotated[
        bool, Option("--soft-labels", help="Add the probabilities of all classes.", rich_help_panel=OUTPUT)
    ] = False,
    out: Annotated[
        Path | None, Option(help="The manifest to write; it may be the one read.", rich_help_panel=OUTPUT)
    ] = None,
    json_: Annotated[
        bool, Option("--json", help="The manifest on stdout, as in a pipe.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Ask a classifier whether each image shows its label, and measure how much of its source is left.

    Every row gains the column oracle: probabilities, the top class, and a verdict: hard and right, too easy, or
    mislabelled. Later commands leave out what is not accepted. Images stay where they are.

    Example: genie oracle lynx-negatives/manifest.jsonl --out lynx-negatives/manifest.jsonl

    Example: genie generate --src-dir photos --targets lynx | genie oracle - --consistent-only > judged.jsonl
    """
    from genie_cli.oracle import class_map as classmap
    from genie_cli.oracle import manifests
    from genie_cli.oracle.judge import AcceptanceRule, Oracle
    from genie_cli.oracle.summary import summarise

    judging = {
        "--among": candidates is not Candidates.ALL,
        "--min-confidence": min_confidence is not None,
        "--consistent-only": consistent_only,
        "--drop": drop,
        "--soft-labels": soft_labels,
        "--out": out is not None,
        "--json": json_,
    }
    _refuse_ignored({flag for flag, given in judging.items() if given}, write_class_map)
    before = manifests.require_writable(out) if out else None
    source = _open(manifest)
    backbone, classes = _load(name, checkpoint, device, source, class_map)
    if write_class_map:
        classmap.write(write_class_map, classes)
        words().print(_written(write_class_map, classes), soft_wrap=True)
        return
    judge = Oracle(
        backbone, classes, source, AcceptanceRule(candidates, min_confidence or 0.0, consistent_only, soft_labels)
    )
    _say_unknown(source, classes, judge)
    rows = _annotated(source, judge)
    kept = [row for row in rows if manifests.accepted(row)] if drop else rows
    in_lines = out is None and wants_lines(json_)
    if out:
        manifests.save(out, manifests.lines(source, kept, out.parent), before)
    elif in_lines:
        sys.stdout.writelines(manifests.lines(source, kept, None))
    _show(summarise(rows), drop, words() if in_lines else Console(highlight=False))
    if not in_lines:
        words().print(f"manifest: {out}" if out else "nothing was written; to keep this: --out FILE", soft_wrap=True)


def _refuse_ignored(judging: set[str], write_class_map: Path | None) -> None:
    """Refuse what would not be used, before a model is loaded.

    Args:
        judging: the options given that are about judging, or about what comes of it.
    """
    from genie_cli.oracle import class_map as classmap

    if write_class_map:
        if judging:
            raise UsageError(f"{', '.join(sorted(judging))}: not used with --write-class-map, which judges nothing")
        classmap.require_free(write_class_map)
    if {"--out", "--json"} <= judging:
        raise UsageError("--out does not go with --json", "leave out one of them")
    if "--drop" in judging and not judging & {"--min-confidence", "--consistent-only"}:
        raise UsageError("--drop: everything is accepted", "say what is not: --min-confidence 0.5 or --consistent-only")


def _open(manifest: str) -> Opened:
    from genie_cli.generate.checks import open_plan
    from genie_cli.oracle.manifests import opened

    with open_plan(manifest) as stream:
        piped = manifest == "-"
        return opened(stream, "standard input" if piped else manifest, Path() if piped else Path(manifest).parent)


def _load(
    name: str | None, checkpoint: Path | None, device: str, source: Opened, class_map: Path | None
) -> tuple[Backbone, ClassMap]:
    """The oracle, and which of its classes the manifest's labels mean."""
    from genie_cli.backbones.load import load_classifier
    from genie_cli.oracle import class_map as classmap
    from genie_cli.oracle.judge import oracle_for
    from genie_cli.oracle.vocabulary import Vocabulary

    own = classmap.read(class_map) if class_map else None
    backbone = load_classifier(name or oracle_for(source.rows), checkpoint, device)
    words().print(f"oracle: {backbone.name}, {len(backbone.classes)} classes")
    jobs = [row.job for row in source.rows]
    labels = {job.target for job in jobs} | {job.source.label for job in jobs if job.source}
    return backbone, classmap.resolve(labels, Vocabulary(backbone.classes), own)


def _annotated(source: Opened, judge: Oracle) -> list[Row]:
    with progress() as bar:
        task = bar.add_task("images", total=len(source.made))
        return judge.annotate(lambda images: bar.advance(task, images))


def _written(path: Path, classes: ClassMap) -> str:
    empty = f", {len(classes.unknown)} without a class" if classes.unknown else ""
    return f"{path}: {len(classes.known) + len(classes.unknown)} labels{empty}; edit it, then: --class-map {path}"


def _say_unknown(source: Opened, classes: ClassMap, judge: Oracle) -> None:
    """What will be missing in the columns, and why; once, not for each row."""
    sources = {row.job.source.label for row in source.rows if row.job.source}
    if unknown := sorted(sources - set(classes.known)):
        reasons = [f"{label!r}: {classes.unknown[label]}" for label in unknown]
        words().print(f"sources' classes without a probability: {shorten(reasons, between='; ')}", soft_wrap=True)
    if judge.unmeasured:
        words().print(f"how much is left of the sources is not measured: {judge.unmeasured}", soft_wrap=True)


def _show(summary: Summary, dropped: bool, console: Console) -> None:
    by_r = _table("By noise ratio", "method and r")
    for (method, r), share in summary.by_r.items():
        _add(by_r, f"{method} {r:g}", share)
    _add(by_r, "all", summary.whole)
    shown = len(summary.by_pair)
    pairs = _table(
        "By class pair" + (f", the {shown} worst of {summary.pairs}" if shown < summary.pairs else ""), "pair"
    )
    for (before, after), share in summary.by_pair.items():
        _add(pairs, f"{before or 'no source'} -> {after}", share)
    for table in (by_r, pairs):
        console.print(table)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.verdicts.items())))
    left = summary.whole.images - summary.accepted
    console.print(f"{summary.accepted} accepted" + (f", {left} {'left out' if dropped else 'marked'}" if left else ""))


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for column in ("images", "consistent", "target's probability"):
        table.add_column(column, justify="right")
    return table


def _add(table: Table, name: str, share: Share) -> None:
    # Text, since a class's name may hold [brackets].
    table.add_row(Text(name), str(share.images), f"{share.consistent:.1%}", f"{share.target_probability:.3f}")
