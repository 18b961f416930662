"""`genie explain`: how an image was made, and the command that makes it again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from genie_cli import manifest
from genie_cli.cli._console import facts, stdout, wants_lines, write_lines
from genie_cli.cli._options import Json
from genie_cli.config import BUNDLED
from genie_cli.errors import ManifestError
from genie_cli.header import Header, RunSettings

if TYPE_CHECKING:
    from genie_cli.provenance import Provenance


def explain(
    image: Annotated[Path, Argument(help="An image that genie made.", metavar="IMAGE", show_default=False)],
    json_: Json = False,
) -> None:
    """Show how an image was made, and the command that makes it again.

    Example: genie explain genie-out/train/lynx/0a1b2c3d4e5f60718293.jpg
    """
    from genie_cli import provenance

    record = provenance.read(image)
    if wants_lines(json_):
        header = Header(
            kind="genie.plan",
            source_root=_source_root(image),
            settings=RunSettings(**record.settings),
            versions={"genie-cli": record.genie},
        )
        write_lines([header.line() + manifest.plan_line(record.job)])
        return
    job = record.job
    source = f"{job.source.path} ({job.source.label})" if job.source else "none"
    table = {"target": job.target, "source": source, "method": job.method.value, "r": job.r, "prompt": job.prompt}
    table |= {key: value for key, value in record.settings.items() if key != "plan"}
    console = stdout()
    console.print(facts(str(image), table))
    console.print("\nTo make it again:", style="bold")
    console.print(command_for(image, record), markup=False, highlight=False, soft_wrap=True)


def command_for(image: Path, record: Provenance) -> str:
    """The shell command that makes the same image again, into a folder ``again``."""
    name, _, revision = record.job.model.partition("@")
    words = ["genie generate --plan -", f"--model {shlex.quote(name) if _is_known(name) else f'<folder of {name}>'}"]
    words += [f"--revision {shlex.quote(revision)}"] if "/" in name else []
    words += ["--src-dir <folder of the sources>"] if record.job.source and not _source_root(image) else []
    # Quoted, as everything that an image says: it may come from anywhere, and this line is there to be pasted.
    words += [
        f"--{key} {shlex.quote(str(record.settings[key]))}"
        for key in RunSettings.model_fields
        if key in record.settings and key not in ("model", "plan")
    ]
    return f"genie explain --json {shlex.quote(str(image))} | {' '.join(words)} --out again"


def _source_root(image: Path) -> str | None:
    """The sources' folder, from the manifest of the output folder that the image lies in, if it still does."""
    try:
        with manifest.opened(image.resolve().parents[2] / "manifest.jsonl", "genie.manifest") as document:
            return document.header.source_root
    except (IndexError, ManifestError):
        return None


def _is_known(model: str) -> bool:
    """Whether the name alone finds the model: the bundled one, or one of the hub."""
    return model == BUNDLED or "/" in model
