"""`genie generate`: hard negatives from a folder of images, or from a plan."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.console import Console
from typer import Exit, Option

from genie_cli import manifest
from genie_cli.cli.console import facts, wants_lines, words
from genie_cli.cli.options import INPUT, MODEL, OUTPUT, RUN, setting
from genie_cli.cli.planning import Inputs, Planned, plan
from genie_cli.config import Format, Settings, resolve
from genie_cli.errors import UsageError
from genie_cli.jobs import Job, Method, shard
from genie_cli.manifest import Header

if TYPE_CHECKING:
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located
    from genie_cli.generate import Summary
    from genie_cli.output import Output

# Rough bytes a pixel at our qualities, and bytes of provenance an image; only --dry-run's estimate uses them.
_BYTES_A_PIXEL = {Format.JPG: 0.45, Format.PNG: 1.6, Format.WEBP: 0.3}
_PROVENANCE_BYTES = 2500


def generate(
    src_dir: Annotated[
        Path | None, Option(help="Folder of source images, a subfolder per class.", rich_help_panel=INPUT)
    ] = None,
    src_label: Annotated[
        str | None, Option(help="The class of all images in --src-dir, if it has no subfolders.", rich_help_panel=INPUT)
    ] = None,
    targets: Annotated[
        str | None, Option(help="Classes to make: lynx,ocelot or @file with a name a line.", rich_help_panel=INPUT)
    ] = None,
    plan_file: Annotated[
        str | None, Option("--plan", help="Make the jobs of this plan ('-': standard input).", rich_help_panel=INPUT)
    ] = None,
    confusion: Annotated[
        Path | None, Option(help="Take sources from the classes most confused with the target.", rich_help_panel=INPUT)
    ] = None,
    top_k: Annotated[int | None, setting("generate.top_k", INPUT)] = None,
    per_target: Annotated[int | None, setting("generate.per_target", INPUT)] = None,
    method: Annotated[Method | None, setting("generate.method", INPUT)] = None,
    r: Annotated[list[float] | None, setting("generate.r", INPUT)] = None,
    prompt: Annotated[str | None, setting("generate.prompt", INPUT)] = None,
    superclass: Annotated[str | None, setting("generate.superclass", INPUT)] = None,
    model: Annotated[str | None, setting("model.name", MODEL, "--model")] = None,
    revision: Annotated[str | None, setting("model.revision", MODEL)] = None,
    steps: Annotated[int | None, setting("generate.steps", MODEL)] = None,
    guidance: Annotated[float | None, setting("generate.guidance", MODEL)] = None,
    device: Annotated[str | None, setting("model.device", MODEL)] = None,
    dtype: Annotated[str | None, setting("model.dtype", MODEL)] = None,
    slots: Annotated[str | None, setting("model.slots", MODEL)] = None,
    out: Annotated[str | None, setting("output.dir", OUTPUT, "--out")] = None,
    image_format: Annotated[Format | None, setting("output.format", OUTPUT, "--format")] = None,
    json_: Annotated[
        bool, Option("--json", help="The manifest on stdout, as in a pipe.", rich_help_panel=OUTPUT)
    ] = False,
    seed: Annotated[int | None, setting("generate.seed", RUN)] = None,
    share: Annotated[
        str | None, Option("--shard", help="Make only part i of n, as i/n; all parts share --out.", rich_help_panel=RUN)
    ] = None,
    limit: Annotated[
        int | None, Option(min=1, help="Make only the plan's first N images.", rich_help_panel=RUN)
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say what would be made; in a pipe, print the plan.", rich_help_panel=RUN)
    ] = False,
    config: Annotated[
        Path | None, Option(help="Settings file.", show_default="./genie.toml", rich_help_panel=RUN)
    ] = None,
) -> None:
    """Make images of target classes from photos of other classes (GeNIe), or of the same (img2img), or of none.

    A run that was stopped goes on when the same command is typed again. Exits with 3 if some images failed.

    Example: genie generate --src-dir photos --targets lynx,ocelot --r 0.8 --out lynx-negatives
    """
    options: dict[str, Any] = {
        "generate.method": method,
        "generate.r": r or None,
        "generate.prompt": prompt,
        "generate.superclass": superclass,
        "generate.per_target": per_target,
        "generate.top_k": top_k,
        "generate.steps": steps,
        "generate.guidance": guidance,
        "generate.seed": seed,
        "model.name": model,
        "model.revision": revision,
        "model.device": device,
        "model.dtype": dtype,
        "model.slots": slots,
        "output.dir": out,
        "output.format": image_format,
    }
    settings = resolve(config, options)
    given = {name.partition(".")[2] for name, value in options.items() if value is not None}
    inputs = Inputs(src_dir, src_label, targets, confusion, plan_file)
    run(settings, inputs, given, share=share, limit=limit, dry_run=dry_run, as_json=json_)


def run(
    settings: Settings,
    inputs: Inputs,
    given: set[str],
    *,
    share: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Plan, generate, and say what became of it."""
    from genie_cli.diffusion.locate import locate

    located = locate(settings.model.name, settings.model.revision)
    planned = plan(inputs, settings.generate, located.identity, given)
    mine = list(shard(planned.jobs, *_parse_shard(share)))[:limit]
    work = _Work(settings, located, planned, mine, share or "")
    if dry_run:
        work.preview(as_json)
    else:
        work.do(as_json)


class _Work:
    """One run: what to make, with what, into which folder."""

    def __init__(self, settings: Settings, located: Located, planned: Planned, mine: Sequence[Job], share: str) -> None:
        self.settings, self.located, self.planned, self.mine = settings, located, planned, mine
        self.share = share

    def do(self, as_json: bool) -> None:
        from genie_cli import generate
        from genie_cli.cli.progress import ProgressBar
        from genie_cli.output import Output

        header = self._header()
        part = "-" + self.share.replace("/", "-of-") if self.share else ""
        output = Output(Path(self.settings.output.dir), header, part)
        how = {key: value for key, value in header.settings.items() if key != "plan"}
        with ProgressBar() as bar:
            summary = generate.run(
                self.planned.jobs,
                self.mine,
                self.planned.source_root,
                self._engine,
                output,
                self.settings.output.format,
                how,
                bar,
            )
        self._report(output, summary, as_json)
        if summary.failed or summary.skipped:
            raise Exit(3 if summary.made + summary.resumed else 1)

    def preview(self, as_json: bool) -> None:
        header = self._header().model_copy(update={"kind": "genie.plan"})
        if wants_lines(as_json):
            sys.stdout.write(header.line())
            sys.stdout.writelines(map(manifest.plan_line, self.mine))
            return
        engine = self._engine()
        steps = sum(engine.steps_for(job.r) for job in self.mine)
        size = engine.snapshot.image_size
        seconds = steps * engine.seconds_per_step() / engine.slots
        each = size * size * _BYTES_A_PIXEL[self.settings.output.format] + _PROVENANCE_BYTES
        table = {
            "images": len(self.mine),
            "sources": len({job.source.sha256 for job in self.mine if job.source}),
            "solver steps": steps,
            "size": f"{size} x {size}",
            "model": self.located.identity,
            "batch": f"{engine.slots} slots on {engine.snapshot.device}, {engine.snapshot.dtype}",
            "time": f"about {_duration(seconds)} (a step was timed just now)",
            "disk": f"about {len(self.mine) * each / 2**20:.1f} MiB in {self.settings.output.dir}",
        }
        Console().print(facts("Nothing was made. This would be:", table))

    def _engine(self) -> Engine[Job]:
        from genie_cli.diffusion.engine import Engine
        from genie_cli.diffusion.snapshot import load

        with words().status(f"loading {self.located.name} ..."):
            snapshot = load(self.located, self.settings.model.device, self.settings.model.dtype)
        generate = self.settings.generate
        return Engine(snapshot, self._slots(), generate.steps, generate.guidance)

    def _slots(self) -> int:
        from genie_cli.diffusion.snapshot import choose_device, choose_slots

        slots = self.settings.model.slots
        return choose_slots(self.located, choose_device(self.settings.model.device)) if slots == "auto" else slots

    def _header(self) -> Header:
        """Everything that decides the images' bytes, resolved."""
        from genie_cli.diffusion.snapshot import choose_device, choose_dtype
        from genie_cli.generate import versions

        device = choose_device(self.settings.model.device)
        return Header(
            kind="genie.manifest",
            source_root=str(self.planned.source_root) if self.planned.source_root else None,
            settings={
                "model": self.located.identity,
                "steps": self.settings.generate.steps,
                "guidance": self.settings.generate.guidance,
                "device": device.type,
                "dtype": str(choose_dtype(self.settings.model.dtype, device)).removeprefix("torch."),
                "slots": self._slots(),
                "format": self.settings.output.format.value,
                "plan": {key: value for key, value in self.planned.settings.items() if key != "model"},
            },
            versions=versions(),
        )

    def _report(self, output: Output, summary: Summary, as_json: bool) -> None:
        if wants_lines(as_json):
            _print_manifest(output)
            return
        table: dict[str, object] = {"made": summary.made, "made before": summary.resumed, "failed": summary.failed}
        table |= {"skipped": summary.skipped} if summary.skipped else {}
        table |= {"images": f"{output.root}/train/<class>/", "manifest": output.manifest}
        Console().print(facts("", {key: value for key, value in table.items() if value or key == "made"}))


def _print_manifest(output: Output) -> None:
    """The manifest on stdout, with its root spelled out, since a pipe does not say where it comes from."""
    with output.manifest.open(encoding="utf-8") as stream:
        document = manifest.read(stream, str(output.manifest))
        sys.stdout.write(document.header.model_copy(update={"root": str(output.root.resolve())}).line())
        sys.stdout.writelines(row.line() for row in document.rows())


def _parse_shard(share: str | None) -> tuple[int, int]:
    if share is None:
        return 1, 1
    try:
        index, count = (int(part) for part in share.split("/"))
    except ValueError:
        index, count = 0, 0
    if not 1 <= index <= count:
        raise UsageError(f"--shard {share}: expected i/n with 1 <= i <= n, such as 2/8")
    return index, count


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
