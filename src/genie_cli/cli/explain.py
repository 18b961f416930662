"""`genie explain`: how an image was made, and the command that makes it again."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from typer import Argument, Option

from genie_cli import manifest
from genie_cli.cli._console import facts, wants_lines
from genie_cli.config import BUNDLED
from genie_cli.errors import ManifestError
from genie_cli.manifest import Header

if TYPE_CHECKING:
    from genie_cli.provenance import Provenance

_HOW = ("steps", "guidance", "device", "dtype", "slots", "attention", "compile", "format")  # settings that are options


def explain(
    image: Annotated[Path, Argument(help="An image that genie made.", show_default=False)],
    json_: Annotated[bool, Option("--json", help="Its plan on stdout, as in a pipe.")] = False,
) -> None:
    """Show how an image was made, and the command that makes it again.

    Example: genie explain lynx-negatives/train/lynx/0a1b2c3d4e5f60718293.jpg
    """
    from genie_cli import provenance

    record = provenance.read(image)
    if wants_lines(json_):
        header = Header(
            kind="genie.plan",
            source_root=_source_root(image),
            settings=record.settings,
            versions={"genie-cli": record.genie},
        )
        sys.stdout.write(header.line() + manifest.plan_line(record.job))
        return
    job = record.job
    source = f"{job.source.path} ({job.source.label})" if job.source else "none"
    table = {"target": job.target, "source": source, "method": job.method.value, "r": job.r, "prompt": job.prompt}
    table |= {key: value for key, value in record.settings.items() if key != "plan"}
    console = Console()
    console.print(facts(str(image), table))
    console.print("\nTo make it again:", style="bold")
    console.print(command_for(image, record), markup=False, highlight=False, soft_wrap=True)


def command_for(image: Path, record: Provenance) -> str:
    """The shell command that makes the same image again, into a folder ``again``."""
    settings = record.settings
    name, _, revision = record.job.model.partition("@")
    words = ["genie generate --plan -", f"--model {shlex.quote(name) if _is_known(name) else f'<folder of {name}>'}"]
    words += [f"--revision {shlex.quote(revision)}"] if "/" in name else []
    words += ["--src-dir <folder of the sources>"] if record.job.source and not _source_root(image) else []
    # Quoted, as everything that an image says: it may come from anywhere, and this line is there to be pasted.
    words += [f"--{key} {shlex.quote(str(settings[key]))}" for key in _HOW if key in settings]
    return f"genie explain --json {shlex.quote(str(image))} | {' '.join(words)} --out again"


def _source_root(image: Path) -> str | None:
    """The sources' folder, from the manifest of the output folder that the image lies in, if it still does."""
    try:
        with (image.resolve().parents[2] / "manifest.jsonl").open(encoding="utf-8") as stream:
            return manifest.read(stream, "manifest", "genie.manifest").header.source_root
    except (OSError, IndexError, ManifestError):
        return None


def _is_known(model: str) -> bool:
    """Whether the name alone finds the model: the bundled one, or one of the hub."""
    return model == BUNDLED or "/" in model
