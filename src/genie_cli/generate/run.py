"""One run of a plan: what is made, with what, into which folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli import manifest
from genie_cli.config import Settings
from genie_cli.devices import is_usable
from genie_cli.errors import UsageError
from genie_cli.generate.estimate import Estimate, Tally
from genie_cli.generate.learned_words import warn_of_unused
from genie_cli.generate.plan import Planned, planned
from genie_cli.generate.request import PlanRequest, check
from genie_cli.generate.shards import Share
from genie_cli.generate.workers import Workers
from genie_cli.header import Header, RunSettings, versions
from genie_cli.jobs import Plan
from genie_cli.manifest import Row
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from genie_cli.diffusion.choices import Choices
    from genie_cli.diffusion.clock import Stopwatch
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located
    from genie_cli.fleet.fleet import Fleet
    from genie_cli.fleet.maker import Encoder, Maker
    from genie_cli.generate.ledger import Ledger
    from genie_cli.jobs import Job


@dataclass(frozen=True)
class Made:
    """What a run did, and where it is.

    Attributes:
        manifest: the file that says what became of every job.
        made, failed, skipped: jobs of this run; ``resumed``: those that existed already.
        left_out: targets that nothing could be made for.
        stopwatch: where the time went, if that was asked for.
        chosen: with an r for each image, how many jobs of this run have each; else empty.
    """

    manifest: Path
    made: int
    resumed: int
    failed: int
    skipped: int
    left_out: tuple[str, ...] = ()
    stopwatch: Stopwatch | None = None
    chosen: Mapping[float, int] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The output folder."""
        return self.manifest.parent

    def rows(self) -> Iterator[Row]:
        """One row per job, in the plan's order."""
        with manifest.opened(self.manifest, "genie.manifest") as document:
            yield from document.rows()

    def __repr__(self) -> str:
        counts = {"made": self.made, "already there": self.resumed, "failed": self.failed, "skipped": self.skipped}
        listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to make"
        left_out = f"; left out: {', '.join(self.left_out)}" if self.left_out else ""
        return f"<Made: {listed}{left_out}; {self.manifest}>"


@dataclass(frozen=True)
class Run:
    """A plan, the model and the output folder.

    Attributes:
        located: the model.
        share: the part of the plan that this process makes.
        profiled: measure where the time goes.
    """

    settings: Settings
    located: Located
    plan: Planned
    observer: Observer
    share: Share = field(default_factory=Share)
    profiled: bool = False

    @cached_property
    def jobs(self) -> Plan:
        """The jobs of this process."""
        return self.share.of(self.plan.jobs)

    def make(self) -> Made:
        """Make the images that do not exist yet.

        Raises:
            ModelError: the model does not load, or there is too little memory for one image.
            OutputError: see `pipeline.run`.
        """
        from genie_cli.generate import pipeline
        from genie_cli.generate.folder import Output

        prompts = chain([self.settings.generate.negative_prompt], (job.prompt for job in self.jobs))
        warn_of_unused(self.located, prompts, self.observer)
        watches: list[Stopwatch] = []
        output = Output(Path(self.settings.output.dir), self._header(), self.share.name)
        done = pipeline.run(
            self.plan.jobs, self.jobs, self.plan.source_root, lambda: self._maker(watches), output, self.observer
        )
        return Made(
            manifest=output.manifest,
            made=done.made,
            resumed=done.resumed,
            failed=done.failed,
            skipped=done.skipped,
            left_out=self.plan.left_out,
            stopwatch=watches[0] if watches else None,
        )

    def lines(self) -> Iterator[str]:
        """The plan as a file holds it, line by line."""
        header = self._header().model_copy(update={"kind": "genie.plan"})
        return manifest.lines_of(header, map(manifest.plan_line, self.jobs), sum(1 for _ in self.jobs))

    def estimate(self) -> Estimate:
        """What the run would make besides what is there, and take; loads the model and times a step.

        Raises:
            ModelError, OutputError: as `make`.
        """
        from genie_cli.diffusion import tokenizer
        from genie_cli.generate.folder import Output

        with Output(Path(self.settings.output.dir), self._header(), self.share.name).looked_at() as known:
            tally = self._tally(known, tokenizer.check_for(self.located))
        chosen = self._choices
        workers = Workers.of(self.settings.model, self._devices, chosen.device)
        rows = 1 if self.settings.generate.guidance == 1 else 2
        engine = self._engine([]) if not workers.elsewhere or is_usable(chosen.device) else None
        return Estimate.of(tally, self.located, chosen, engine, self.settings.output.format, workers, rows)

    def _tally(self, known: Ledger, check: Callable[[str], None]) -> Tally:
        """What there is to make; see `Tally.of`."""
        return Tally.of(self.jobs, known.made, self._steps_for, check)

    def _steps_for(self, r: float) -> int:
        from genie_cli.diffusion.solver import steps_of

        wanted = self.settings.generate
        return 1 if wanted.probe else steps_of(r, wanted.steps)

    def _maker(self, watches: list[Stopwatch]) -> Maker:
        """What makes the images; a stopwatch, if there is one, is added to ``watches``."""
        from genie_cli.fleet.maker import Encoder

        encoder = Encoder(self.settings.output.format, self._header().settings.made_with())
        if self._devices or self.settings.model.ray:
            return self._fleet(encoder)
        from genie_cli.fleet.single import Single

        return Single(self._engine(watches), self.plan.source_root, encoder)

    def _fleet(self, encoder: Encoder) -> Fleet:
        from genie_cli.fleet.fleet import Fleet
        from genie_cli.fleet.messages import Setup
        from genie_cli.fleet.processes import Processes
        from genie_cli.fleet.ray_cluster import RayCluster

        wanted, model = self.settings.generate, self.settings.model
        how = (wanted.steps, wanted.guidance, wanted.probe, encoder, wanted.negative_prompt)
        setup = Setup(self.located, self._choices, *how)
        transport = RayCluster(setup, model.ray, model.workers) if model.ray else Processes(setup, self._devices)
        return Fleet(transport, self.plan.source_root, versions(), self.observer)

    @cached_property
    def _devices(self) -> tuple[str, ...]:
        """The devices of several processes; none: this process makes the images."""
        from genie_cli.devices import devices_of

        return devices_of(self.settings.model.devices)

    def _engine(self, watches: list[Stopwatch]) -> Engine[Job]:
        """Load the model; a stopwatch, if there is one, is added to ``watches``."""
        from genie_cli.diffusion.clock import stopwatch
        from genie_cli.diffusion.engine import Engine
        from genie_cli.diffusion.snapshot import load

        chosen, wanted = self._choices, self.settings.generate
        with self.observer.progress(f"Loading {self.located.name}"):
            snapshot = load(self.located, str(chosen.device), chosen.dtype, chosen.attention, chosen.compile)
        if self.profiled:
            watches.append(stopwatch(chosen.device))
        watch = watches[0] if watches else None
        how = (chosen.slots, wanted.steps, wanted.guidance, watch, wanted.negative_prompt)
        engine: Engine[Job] = Engine(snapshot, *how, probe=wanted.probe)
        if chosen.compile != "off":  # at the first step, by which the time that is left must not be judged
            with self.observer.progress("Compiling the UNet, unless its code is kept"):
                engine.seconds_per_step()
        return engine

    @cached_property
    def _choices(self) -> Choices:
        """How images are made here: as asked, else as the run that began the folder, else as suits the machine."""
        from genie_cli.diffusion.choices import choose
        from genie_cli.generate.binding import begun, following

        model = following(self.settings.model, begun(Path(self.settings.output.dir)))
        if self._devices:
            model = model.model_copy(update={"device": self._devices[0]})
        wanted = self.settings.generate
        jobs = Plan(lambda: islice(self.plan.jobs, self.share.most))
        return choose(
            model,
            self.located,
            lambda: round(sum(1 if wanted.probe else wanted.steps * job.r for job in jobs)),
            elsewhere=bool(model.ray),
        )

    def _header(self) -> Header:
        """Everything that decides the images' bytes, resolved."""
        chosen, wanted = self._choices, self.settings.generate
        recipe = {key: value for key, value in self.plan.recipe.items() if key != "model"}
        # A probe does not depend on the number of steps. What is not asked for is not stated.
        how: dict[str, Any] = {"probe": True} if wanted.probe else {"steps": wanted.steps}
        how |= {"negative_prompt": wanted.negative_prompt} if wanted.negative_prompt else {}
        return Header(
            kind="genie.manifest",
            source_root=str(self.plan.source_root) if self.plan.source_root else None,
            settings=RunSettings(
                **how,
                model=self.located.identity,
                guidance=wanted.guidance,
                device=chosen.device.type,
                dtype=chosen.dtype,
                slots=chosen.slots,
                attention=chosen.attention,
                compile=chosen.compile,
                format=self.settings.output.format.value,
                plans=[recipe] if recipe else [],
            ),
            versions=versions(),
        )


@contextmanager
def prepared(
    request: PlanRequest,
    settings: Settings,
    given: Set[str],
    observer: Observer,
    share: Share | None = None,
    profiled: bool = False,
) -> Iterator[Run]:
    """A run of what is requested: checked, the model found, the plan made; it can be used while this is open.

    Args:
        given: keys of the settings that were typed.

    Raises:
        UsageError, FolderError, OutputError, ManifestError: see `request.check` and `plan.planned`.
        ModelError: the model is nowhere, or is of a kind that does not run.
    """
    check(request, settings, given)
    if profiled and (settings.model.devices or settings.model.ray):
        raise UsageError("--profile measures this process: leave out --devices and --ray")
    located = locate_model(settings, given, observer)
    with planned(request, settings, located.identity, given, observer) as plan:
        yield Run(settings, located, plan, observer, share or Share(), profiled)


def locate_model(settings: Settings, given: Set[str], observer: Observer) -> Located:
    """Find the model that the settings name, downloading it if need be, and what is put on top of it.

    Raises:
        UsageError: a revision was typed for a model that is on this machine, or a LoRA's scale is none.
        ModelError: see `diffusion.locate.locate` and `diffusion.adapters.found`.
    """
    from genie_cli.diffusion import adapters
    from genie_cli.diffusion.locate import is_local, locate, on

    if "model.revision" in given and is_local(settings.model.name):
        raise UsageError("--revision goes with a Hugging Face model; this one is on this machine")
    model = settings.model
    added = adapters.found(model.lora, model.embedding)  # before a model is downloaded
    return on(locate(model.name, model.commit, observer), added)
