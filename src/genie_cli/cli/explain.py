"""`genie explain`: how an image was made, and the command that makes it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rich.text import Text
from typer import Argument

from genie_cli import manifest
from genie_cli.cli._console import facts, stdout, wants_lines, write_lines
from genie_cli.cli._options import Json
from genie_cli.generate.command import command_of_image, settings_of, source_root_of
from genie_cli.header import Header

_NO_COMMAND = (
    "No command to make it again can be shown, since a name or setting has characters that do not print. "
    "genie explain --json IMAGE writes the plan for genie generate --plan -"
)


def explain(
    image: Annotated[Path, Argument(help="An image that genie made.", metavar="IMAGE", show_default=False)],
    json_: Json = False,
) -> None:
    """Show how an image was made, and the command that makes it again.

    Example: genie explain genie-out/train/lynx/0a1b2c3d4e5f60718293.jpg
    """
    from genie_cli import provenance

    record = provenance.read(image)
    settings = settings_of(image, record)
    if wants_lines(json_):
        header = Header(
            kind="genie.plan",
            source_root=source_root_of(image),
            settings=settings,
            versions={"genie-cli": record.genie},
        )
        write_lines(manifest.lines_of(header, [manifest.plan_line(record.job)], 1))
        return
    job = record.job
    source = f"{job.source.path} ({job.source.label})" if job.source else "none"
    table = {"target": job.target, "source": source, "method": job.method.value, "r": job.r, "prompt": job.prompt}
    table |= settings.made_with()
    console = stdout()
    console.print(facts(str(image), table))
    command = command_of_image(image, record)
    # Text, not a string, in which ":x:" may be the name of an emoji.
    if command.isprintable():
        console.print()
        console.print("To make it again:", style="bold")
        console.print(Text(command), soft_wrap=True)
    else:
        console.print()
        console.print(_NO_COMMAND, soft_wrap=True)
