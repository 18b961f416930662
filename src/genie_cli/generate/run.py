"""From settings to a run: plan, generate, and say what became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from typer import Exit

from genie_cli import manifest
from genie_cli.cli._console import duration, facts, wants_lines, words
from genie_cli.cli._profile import show, stopwatch
from genie_cli.config import Format, Settings
from genie_cli.errors import UsageError
from genie_cli.generate.checks import check
from genie_cli.generate.estimate import Tally
from genie_cli.generate.inputs import Inputs
from genie_cli.generate.plan import Planned, plan
from genie_cli.jobs import Job, Plan, shard
from genie_cli.manifest import Header

if TYPE_CHECKING:
    from genie_cli.diffusion.choices import Choices
    from genie_cli.diffusion.clock import Stopwatch
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located
    from genie_cli.generate.folder import Output
    from genie_cli.generate.pipeline import Summary

# Rough bytes a pixel at our qualities, and bytes of provenance an image; only --dry-run's estimate uses them.
_BYTES_A_PIXEL = {Format.JPG: 0.45, Format.PNG: 1.6, Format.WEBP: 0.3}
_PROVENANCE_BYTES = 2500


def run(
    settings: Settings,
    inputs: Inputs,
    given: set[str],
    *,
    share: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    profiled: bool = False,
) -> None:
    """Plan, generate, and say what became of it."""
    from genie_cli.diffusion.locate import is_local, locate

    check(inputs, settings.generate, given)
    if "revision" in given and is_local(settings.model.name):
        raise UsageError("--revision goes with a model of the hub; this one is on this machine")
    if profiled and dry_run:
        raise UsageError("--dry-run makes nothing: leave out --profile")
    index, count = _parse_shard(share)
    located = locate(settings.model.name, settings.model.commit)
    with plan(inputs, settings.generate, located.identity, given) as planned:
        mine = Plan(lambda: islice(shard(planned.jobs, index, count), limit))
        part = f"-{index}-of-{count}" if share else ""
        most = None if limit is None else limit * count
        work = Work(settings, located, planned, mine, part, profiled, most)
        if dry_run:
            work.preview(as_json)
        else:
            work.do(as_json)


class Work:
    """One run: what to make, with what, into which folder.

    Args:
        profiled: say at the end where its time went.
        most: so many of the plan's jobs are made at most, by all shards together; None: all.
    """

    stopwatch: Stopwatch | None = None

    def __init__(
        self,
        settings: Settings,
        located: Located,
        planned: Planned,
        mine: Plan,
        part: str,
        profiled: bool = False,
        most: int | None = None,
    ) -> None:
        self.most = most
        self.settings, self.located, self.planned, self.mine = settings, located, planned, mine
        self.part, self.profiled = part, profiled

    def do(self, as_json: bool) -> None:
        """Make the images and say what became of them; Exit 3 if some failed, 1 if there is none."""
        output, summary = self.make()
        if self.stopwatch:  # before the manifest goes to whoever reads it slowly
            show(self.stopwatch, words())
        self._report(output, summary, as_json)
        if summary.failed or summary.skipped or self.planned.left_out:
            raise Exit(3 if summary.made + summary.resumed else 1)

    def make(self) -> tuple[Output, Summary]:
        """Make the images."""
        from genie_cli.cli._progress import ProgressBar
        from genie_cli.generate import pipeline as generate
        from genie_cli.generate.folder import Output

        output = Output(Path(self.settings.output.dir), self._header(), self.part)
        with ProgressBar(self._choices.slots) as bar:
            summary = generate.run(
                self.planned.jobs,
                self.mine,
                self.planned.source_root,
                lambda: self._engine(bar.console),
                output,
                bar,
            )
        return output, summary

    def plan_lines(self) -> Iterator[str]:
        """The plan, as a file holds it."""
        yield self._header().model_copy(update={"kind": "genie.plan"}).line()
        yield from map(manifest.plan_line, self.mine)

    def preview(self, as_json: bool) -> None:
        """Say what would be made; or print the plan."""
        from genie_cli.diffusion.snapshot import Tokenizer

        if wants_lines(as_json):
            sys.stdout.writelines(self.plan_lines())
            return
        engine = self._engine(words())
        tally = Tally.of(self.mine, engine.denoiser.steps_for, Tokenizer(self.located).check)
        size = engine.snapshot.image_size
        # A batch that cannot be filled takes no less time.
        seconds = tally.steps * engine.seconds_per_step() / max(1, min(engine.slots, tally.images))
        each = size * size * _BYTES_A_PIXEL[self.settings.output.format] + _PROVENANCE_BYTES
        table: dict[str, object] = {
            "images": tally.images,
            "sources": tally.sources,
            "solver steps": tally.steps,
            "size": f"{size} x {size}",
            "model": self.located.identity,
            "batch": f"{engine.slots} slots on {engine.snapshot.device}, {engine.snapshot.dtype}",
            "time": f"about {duration(seconds)} (a step was timed just now)",
            "disk": f"about {tally.images * each / 2**20:.1f} MiB in {self.settings.output.dir}",
        }
        if tally.too_long:
            table["would fail"] = f"{tally.too_long} prompts: {tally.reason}"
        Console().print(facts("Nothing was made. This would be:", table))

    def _engine(self, console: Console) -> Engine[Job]:
        from genie_cli.diffusion.engine import Engine
        from genie_cli.diffusion.snapshot import load

        console.print(f"loading {self.located.name} ...")
        chosen, generate = self._choices, self.settings.generate
        snapshot = load(self.located, str(chosen.device), chosen.dtype, chosen.attention, chosen.compile)
        self.stopwatch = stopwatch(chosen.device) if self.profiled else None
        return Engine(snapshot, chosen.slots, generate.steps, generate.guidance, self.stopwatch)

    @cached_property
    def _choices(self) -> Choices:
        """How images are made here: as asked, else as the run that began the folder, else as fits the machine."""
        from genie_cli.diffusion.choices import choose
        from genie_cli.generate.folder import begun

        model = self.settings.model.following(begun(Path(self.settings.output.dir)))
        steps = self.settings.generate.steps
        jobs = Plan(lambda: islice(self.planned.jobs, self.most))
        return choose(model, self.located, lambda: round(steps * sum(job.r for job in jobs)))

    def _header(self) -> Header:
        """Everything that decides the images' bytes, resolved."""
        from genie_cli.generate.pipeline import versions

        chosen = self._choices
        return Header(
            kind="genie.manifest",
            source_root=str(self.planned.source_root) if self.planned.source_root else None,
            settings={
                "model": self.located.identity,
                "steps": self.settings.generate.steps,
                "guidance": self.settings.generate.guidance,
                "device": chosen.device.type,
                "dtype": chosen.dtype,
                "slots": chosen.slots,
                "attention": chosen.attention,
                "compile": chosen.compile,
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
