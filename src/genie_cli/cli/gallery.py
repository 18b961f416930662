"""`genie gallery`: a page that shows what was made, for a browser, without a server; or a figure for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, stderr
from genie_cli.cli._options import INPUT, MODEL, OUTPUT, option, with_settings
from genie_cli.cli._settings import Chosen
from genie_cli.config import BUNDLED, LITE0
from genie_cli.errors import UsageError
from genie_cli.gallery.plots.kind import Kind
from genie_cli.settings import split_list

_FOLDER = "gallery"


@with_settings(["model.device"])
def gallery(
    chosen: Chosen,
    manifest: Annotated[
        str,
        Argument(help="A manifest, or the folder of a run ('-': stdin).", metavar="MANIFEST", show_default=False),
    ],
    confusion: Annotated[
        Path | None,
        option(help="Show this confusion matrix, the file of genie confuse.", panel=INPUT, metavar="FILE"),
    ] = None,
    results: Annotated[
        list[str] | None,
        option(help="Show these results of genie fewshot, finegrained or longtail.", panel=INPUT, metavar="DIR,..."),
    ] = None,
    backbone: Annotated[
        str | None,
        option(
            help="Network for the map of images: digits (bundled), lite0 (ImageNet, without a hub), "
            "unisiam-resnet18, -34 or -50, or a timm model.",
            panel=MODEL,
            metavar="NAME",
            default="digits for its images, else no map",
            choices=(BUNDLED, LITE0),
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, option(help="File with the backbone's weights.", panel=MODEL, metavar="FILE")
    ] = None,
    out: Annotated[
        Path | None,
        option(help="Folder for the page, or the figure's file.", panel=OUTPUT, metavar="PATH", default=_FOLDER),
    ] = None,
    figure: Annotated[
        str | None,
        option(
            help="Draw only this figure, for a paper: grid, sweep or map, as PNG, SVG or PDF.",
            panel=OUTPUT,
            metavar="NAME",
            choices=tuple(Kind),
        ),
    ] = None,
    open_: Annotated[bool, option("--open", help="Open the page in a browser.", panel=OUTPUT)] = False,
) -> None:
    """Make a page that shows all images with their sources, scores and verdicts, and that opens without a server.

    A gallery is made anew over an earlier one, for example once genie oracle has judged the images; thumbnails that
    are there are used again.

    Example: genie gallery judged.jsonl --open
    """
    device, observer = chosen.settings.model.device, ConsoleObserver()
    if figure:
        _require_no_page(confusion is not None, bool(results), open_)
        if out is None:
            raise UsageError("--figure needs a file to write", f"name one: --figure {figure} --out {figure}.png")
        written = api.figure(
            manifest, figure, out, backbone=backbone, checkpoint=checkpoint, device=device, observer=observer
        )
        stderr().print(f"wrote {written}", soft_wrap=True)
        return
    made = api.gallery(
        manifest,
        out=out or _FOLDER,
        confusion=confusion,
        results=split_list(results) or (),
        backbone=backbone,
        checkpoint=checkpoint,
        device=device,
        observer=observer,
    )
    said = "opened" if open_ and _opened(made.address) else "open"
    stderr().print(f"{said} {made.page} in a browser: {made.address}", soft_wrap=True)


def _require_no_page(confusion: bool, results: bool, open_: bool) -> None:
    """Raise UsageError if something of the page is asked for, beside a figure."""
    given = {"--confusion": confusion, "--results": results, "--open": open_}
    for name in (name for name, is_given in given.items() if is_given):
        raise UsageError(f"{name} is for the page, and --figure draws no page", "leave out one of them")


def _opened(address: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
