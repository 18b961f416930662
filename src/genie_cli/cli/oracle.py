"""`genie oracle`: does each image show its label, and is it a hard negative? A manifest in, a manifest out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich import box
from rich.console import Console
from rich.table import Table
from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, stderr
from genie_cli.cli._manifests import deliver
from genie_cli.cli._options import EVALUATION, INPUT, MODEL, OUTPUT, option, probability, with_settings
from genie_cli.cli._printable import text
from genie_cli.cli._settings import Chosen
from genie_cli.config import BUNDLED, LITE0
from genie_cli.errors import UsageError
from genie_cli.oracle.candidates import Candidates
from genie_cli.oracle.class_map import ClassMap
from genie_cli.oracle.summary import Share, Summary
from genie_cli.oracle.verdict import Verdict

_NEXT = "selected.jsonl"
_SHORT = {  # headings where there are columns for all verdicts
    "consistent": "consis-\ntent",
    "target probability": "target\nprob.",
    Verdict.MISLABELLED.value: "mis-\nlabelled",
}
_DEIT = "deit_base_patch16_224.fb_in1k"


@with_settings(["model.device"])
def oracle(
    chosen: Chosen,
    manifest: Annotated[
        str,
        Argument(help="A manifest, or the folder of a run ('-': stdin).", metavar="MANIFEST", show_default=False),
    ],
    name: Annotated[
        str | None,
        option(
            "--oracle",
            help="The classifier: digits (bundled), lite0 (ImageNet, without a hub), or a timm model.",
            panel=MODEL,
            metavar="NAME",
            default=f"digits for its images, else {_DEIT}",
            choices=(BUNDLED, LITE0, _DEIT),
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, option(help="File with the oracle's weights.", panel=MODEL, metavar="FILE")
    ] = None,
    class_map: Annotated[
        Path | None,
        option(help="CSV label,class: the oracle's class for each label.", panel=INPUT, metavar="FILE"),
    ] = None,
    write_class_map: Annotated[
        Path | None,
        option(help="Write the class map that genie finds, to be edited, and stop.", panel=OUTPUT, metavar="FILE"),
    ] = None,
    candidates: Annotated[
        str,
        option(
            help="Candidate labels: all, target,source, or episode (the manifest's targets).",
            panel=EVALUATION,
            metavar="NAME",
            default=Candidates.ALL.value,
            choices=tuple(Candidates),
        ),
    ] = Candidates.ALL.value,
    min_confidence: Annotated[
        float | None,
        option(help="Lowest accepted probability of the label.", panel=EVALUATION, metavar="FLOAT", parser=probability),
    ] = None,
    consistent_only: Annotated[
        bool, option("--consistent-only", help="Accept only if the target is the top class.", panel=EVALUATION)
    ] = False,
    drop: Annotated[bool, option("--drop", help="Drop rejected images instead of marking them.", panel=OUTPUT)] = False,
    soft_labels: Annotated[
        bool, option("--soft-labels", help="Add the probabilities of all classes.", panel=OUTPUT)
    ] = False,
    out: Annotated[
        Path | None, option(help="The manifest to write; it may be the one read.", panel=OUTPUT, metavar="FILE")
    ] = None,
    json_: Annotated[bool, option("--json", help="Print the manifest to stdout, as in a pipe.", panel=OUTPUT)] = False,
) -> None:
    """Ask a classifier whether each image shows its label, and measure how similar it still is to its source.

    Each row gains the column oracle: probabilities, the top class, and a verdict (hard negative, easy, mislabelled;
    with too few sources to compare with, correctly labelled). Later commands leave out rejected images.

    Example: genie oracle genie-out --consistent-only --out judged.jsonl
    """
    from genie_cli.oracle import manifests

    judging = {
        "--candidates": candidates != Candidates.ALL.value,
        "--min-confidence": min_confidence is not None,
        "--consistent-only": consistent_only,
        "--drop": drop,
        "--soft-labels": soft_labels,
        "--out": out is not None,
        "--json": json_,
    }
    _refuse_ignored({flag for flag, given in judging.items() if given}, write_class_map)
    before = manifests.require_writable(out) if out else None
    device = chosen.settings.model.device
    if write_class_map:
        _write_class_map(write_class_map, manifest, name, checkpoint, device, class_map)
        return
    judged = api.judge(
        manifest,
        oracle=name,
        checkpoint=checkpoint,
        device=device,
        class_map=class_map,
        candidates=candidates,
        min_confidence=min_confidence or 0.0,
        consistent_only=consistent_only,
        soft_labels=soft_labels,
        observer=ConsoleObserver(),
    )
    summary = judged.summary
    deliver(judged, drop, out, before, json_, lambda console: _show(summary, drop, console), _following(summary, out))


def _following(summary: Summary, out: Path | None) -> tuple[str, list[str]] | None:
    """To select the images with the best verdict that occurs, if any image shows its label."""
    found = [each for each in (Verdict.HARD, Verdict.CORRECT, Verdict.EASY) if each in summary.whole.verdicts]
    if not out or not found or not summary.accepted:
        return None
    name = found[0].partition(" ")[0]
    return "which of them to use", ["genie", "select", str(out), "--verdict", name, "--out", str(out.with_name(_NEXT))]


def _refuse_ignored(judging: set[str], write_class_map: Path | None) -> None:
    """Refuse what would not be used, before a model is loaded.

    Args:
        judging: the options given that are about judging, or about what comes of it.
    """
    from genie_cli.files.folders import require_free

    if write_class_map:
        if judging:
            raise UsageError(f"{', '.join(sorted(judging))}: not used with --write-class-map, which judges nothing")
        require_free(write_class_map)
    if {"--out", "--json"} <= judging:
        raise UsageError("--out does not go with --json", "leave out one of them")
    if "--drop" in judging and not judging & {"--min-confidence", "--consistent-only"}:
        raise UsageError("--drop: everything is accepted", "say what is not: --min-confidence 0.5 or --consistent-only")


def _write_class_map(
    path: Path, manifest: str, name: str | None, checkpoint: Path | None, device: str, own: Path | None
) -> None:
    from genie_cli.oracle import class_map
    from genie_cli.oracle.judge import prepare

    _, _, classes = prepare(manifest, name, checkpoint, device, own, ConsoleObserver())
    class_map.write(path, classes)
    stderr().print(_written(path, classes), soft_wrap=True)


def _written(path: Path, classes: ClassMap) -> str:
    empty = f", {len(classes.unknown)} without a class" if classes.unknown else ""
    option = f"--class-map {shlex.quote(str(path))}"
    return f"{path}: {len(classes.known) + len(classes.unknown)} labels{empty}; edit it, then: {option}"


def _show(summary: Summary, dropped: bool, console: Console) -> None:
    verdicts = _verdicts(summary)
    by_r = _table("By noise ratio", "method and r", verdicts)
    for (method, r), share in summary.by_r.items():
        _add(by_r, f"{method} {r:g}", share, verdicts)
    _add(by_r, "all", summary.whole, verdicts)
    shown = len(summary.by_pair)
    title = "By class pair" + (f", the {shown} worst of {summary.pairs}" if shown < summary.pairs else "")
    pairs = _table(title, "pair", verdicts)
    for (before, after), share in summary.by_pair.items():
        _add(pairs, f"{before or 'no source'} -> {after}", share, verdicts)
    for table in (by_r, pairs):
        console.print(table)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.whole.verdicts.items())))
    if len(summary.by_r) > 1 and (hardest := summary.hardest):
        most = summary.by_r[hardest[0]].share(Verdict.HARD)
        named = " and ".join(f"{method} at r = {r:g}" for method, r in hardest)
        console.print(f"most hard negatives: {named}, {most:.1%} of the images", soft_wrap=True)
    rejected = summary.whole.images - summary.accepted
    outcome = "dropped" if dropped else "rejected"
    console.print(f"{summary.accepted} accepted" + (f", {rejected} {outcome}" if rejected else ""))
    if summary.accepted_mislabelled:
        console.print(
            f"{summary.accepted_mislabelled} of the accepted are mislabelled; --consistent-only rejects these",
            soft_wrap=True,
        )


def _verdicts(summary: Summary) -> list[Verdict]:
    """The verdicts that have a column: those that occur, and both that need a similarity if it was measured at all."""
    found = summary.whole.verdicts
    measured = Verdict.HARD in found or Verdict.EASY in found
    return [verdict for verdict in Verdict if verdict in found or (measured and verdict is not Verdict.CORRECT)]


def _table(title: str, first: str, verdicts: Sequence[Verdict]) -> Table:
    # Close together, and with headings in two lines, so that 80 columns suffice; a long name is what gives way.
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    short = _SHORT if len(verdicts) > 3 else {}
    for name in ("images", "consistent", "target probability", *verdicts):
        head = short.get(name, name.partition(" (")[0].replace(" ", "\n"))
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _add(table: Table, name: str, share: Share, verdicts: Sequence[Verdict]) -> None:
    shares = (f"{share.share(verdict):.1%}" for verdict in verdicts)
    # Text, since a class's name may hold [brackets].
    table.add_row(text(name), str(share.images), f"{share.consistent:.1%}", f"{share.target_probability:.3f}", *shares)
