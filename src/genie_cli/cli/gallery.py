"""`genie gallery`: a page that shows what was made, for a browser, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, stderr
from genie_cli.cli._options import OUTPUT, option


def gallery(
    manifest: Annotated[
        str,
        Argument(help="A manifest, or the folder of a run ('-': stdin).", metavar="MANIFEST", show_default=False),
    ],
    out: Annotated[
        Path, option("--out", help="Folder for the page.", panel=OUTPUT, metavar="DIR", default="gallery")
    ] = Path("gallery"),
    open_: Annotated[bool, option("--open", help="Open the page in a browser.", panel=OUTPUT)] = False,
) -> None:
    """Make a page that shows all images with their sources, scores and verdicts, and that opens without a server.

    A gallery is made anew over an earlier one, for example once genie oracle has judged the images; thumbnails that
    are there are used again.

    Example: genie gallery judged.jsonl --open
    """
    made = api.gallery(manifest, out=out, observer=ConsoleObserver())
    console = stderr()
    if open_ and _opened(made.address):
        console.print(f"opened {made.page} in a browser: {made.address}", soft_wrap=True)
    else:
        console.print(f"open {made.page} in a browser: {made.address}", soft_wrap=True)


def _opened(address: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
