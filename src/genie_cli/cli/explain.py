"""`genie explain`: how an image was made, and the command that makes it again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import ValidationError
from rich.text import Text
from typer import Argument

from genie_cli import manifest
from genie_cli.cli._console import facts, stdout, wants_lines, write_lines
from genie_cli.cli._options import Json
from genie_cli.errors import ImageError, ManifestError
from genie_cli.files.reading import first_problem
from genie_cli.generate.command import options_of, words_of
from genie_cli.header import Header, RunSettings

if TYPE_CHECKING:
    from genie_cli.provenance import Provenance

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
    settings = _settings(image, record)
    if wants_lines(json_):
        header = Header(
            kind="genie.plan",
            source_root=_source_root(image),
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
    command = command_for(image, record)
    # Text, not a string, in which ":x:" may be the name of an emoji.
    if command.isprintable():
        console.print()
        console.print("To make it again:", style="bold")
        console.print(Text(command), soft_wrap=True)
    else:
        console.print()
        console.print(_NO_COMMAND, soft_wrap=True)


def command_for(image: Path, record: Provenance) -> str:
    """The shell command that makes the same image again, into a folder ``again``.

    Everything that an image or its name says is quoted: it may come from anywhere, and this line is there to be pasted.
    What the person has to fill in is quoted, too.

    Raises:
        ImageError: the record has a setting of another type.
    """
    options = options_of(record.job.model, _settings(image, record))
    if record.job.source and not _source_root(image):
        options["src-dir"] = "<folder of the sources>"
    path = f"./{image}" if str(image).startswith("-") else str(image)
    plan = shlex.join(["genie", "explain", "--json", path])
    return f"{plan} | {shlex.join(['genie', 'generate', '--plan', '-', *words_of(options), '--out', 'again'])}"


def _settings(image: Path, record: Provenance) -> RunSettings:
    """The record's settings; those that genie does not know are among them, and never become options.

    Raises:
        ImageError: one is of another type than genie writes.
    """
    try:
        return RunSettings.model_validate(record.settings, strict=True)
    except ValidationError as error:
        _, place, _ = first_problem(error)
        raise ImageError(
            image, f"carries a record in which {place[0]} has a value that it cannot have", "genie did not write it so"
        ) from None


def _source_root(image: Path) -> str | None:
    """The sources' folder, from the manifest of the output folder that the image lies in, if it still does."""
    try:
        with manifest.opened(image.resolve().parents[2] / "manifest.jsonl", "genie.manifest") as document:
            return document.header.source_root
    except (IndexError, OSError, RuntimeError, ManifestError):  # RuntimeError: a link leads back to itself
        return None
