"""`genie generate --r adaptive`: each image at an r of its own, chosen by probes before it is made (GeNIe-Ada).

A family is what differs in nothing but r. Its probes, one denoising step at each r, are a run of their own in
``out/.genie/probes``, where no reader of image folders takes them for training images. Both runs resume as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data.listing import counted
from genie_cli.errors import UsageError, shorten
from genie_cli.generate.estimate import PROBE_FORMAT, Tally
from genie_cli.generate.run import Made, Run
from genie_cli.generate.shards import Share
from genie_cli.jobs import ADA_RATIOS, ADAPTIVE_R, Job, Method, Plan
from genie_cli.settings import split_list

if TYPE_CHECKING:
    from genie_cli.backbones.features import Features
    from genie_cli.generate.choosing import Family
    from genie_cli.generate.ledger import Ledger

_WAY = "--r adaptive --backbone lite0"
_UNKNOWN = 255  # more than there are ratios
_FALLBACK = Method.GENIE.default_r
PROBES = ".genie/probes"  # below the folder of the images


@dataclass(frozen=True)
class Chooser:
    """The backbone by which an r is chosen for each image.

    Attributes:
        backbone: its name; see `backbones.load.load`.
        checkpoint: a file with its weights; None: its own.
    """

    backbone: str
    checkpoint: Path | None = None

    @classmethod
    def asked_for(cls, r: object, backbone: str | None, checkpoint: Path | None) -> Chooser | None:
        """What a caller asks for; None: every image at the same r.

        Args:
            r: as given: numbers, or the word ``adaptive`` alone.

        Raises:
            UsageError: no backbone is named, or one to no purpose.
        """
        words = split_list([r]) if isinstance(r, str) else list(r) if isinstance(r, (list, tuple)) else []
        if words != [ADAPTIVE_R]:
            if backbone is not None or checkpoint is not None:
                raise UsageError(f"--backbone and --checkpoint choose an r for each image: they go with {_WAY}")
            return None
        if not backbone:
            raise UsageError(
                "--r adaptive chooses by the features of a network: say which", f"{_WAY}, or that of your classifier"
            )
        return cls(backbone, checkpoint)

    def check(self, settings: Settings, share: Share, *, plan: bool, profiled: bool) -> None:
        """Raise UsageError for what does not go with an r for each image.

        Args:
            plan: whether a plan of its own was given.
        """
        if plan:
            raise UsageError("the plan has its noise ratios: leave out --r adaptive and --backbone")
        if settings.generate.method is not Method.GENIE:
            raise UsageError(
                f"--r adaptive finds where a source turns into another class: leave out --method "
                f"{settings.generate.method.value}, or give an r"
            )
        if settings.generate.probe:
            raise UsageError(
                "--r adaptive makes probes by itself: leave out --probe", "to look at them: --r 0.5,0.6,0.7,0.8,0.9"
            )
        if share.count > 1:
            raise UsageError(
                "--shard does not go with --r adaptive: parts of one plan must know all choices",
                f"{_WAY} --plan-out plan.jsonl makes the probes; then --plan plan.jsonl --shard i/n the images",
            )
        if profiled:
            raise UsageError("--profile measures a single run, and --r adaptive has two: leave it out")

    def stated(self, identity: str) -> dict[str, str]:
        """What a header's plan says of the choice."""
        file = {"checkpoint": self.checkpoint.name} if self.checkpoint else {}
        return {"chosen_by": identity, "backbone": self.backbone, **file}


@dataclass(frozen=True)
class AdaptiveRun(Run):
    """A run whose plan has each job at every r, of which one is made.

    What it is asked for about its jobs, except an estimate, needs the choices: the probes are made then.
    """

    chooser: Chooser = field(kw_only=True)

    @classmethod
    def of(cls, run: Run, chooser: Chooser) -> AdaptiveRun:
        """Of a run with all ratios.

        Raises:
            UsageError: there are no photos of a target.
        """
        adaptive = cls(run.settings, run.located, run.plan, run.observer, run.share, chooser=chooser)
        if missing := [target for target in adaptive.targets if target not in run.plan.photos]:
            root = run.plan.source_root
            raise UsageError(
                f"--r adaptive compares with photos of each target, and {root} has none of {shorten(missing)}",
                f"put some into a folder of that name beside the others ({missing[0]}'s photos are not its sources), "
                "or give an r, such as --r 0.8",
            )
        return adaptive

    @property
    def targets(self) -> list[str]:
        """Those that something can be made for."""
        return [target for target in self.plan.recipe["targets"] if target not in self.plan.left_out]

    @cached_property
    def jobs(self) -> Plan:
        """The jobs of this process, each at its own r."""
        return self.chosen.jobs

    def make(self) -> Made:
        """Make the probes and the images that do not exist yet; see `Run.make`."""
        from genie_cli.generate.ada import histogram

        made = self.chosen.make()
        return replace(made, chosen=histogram((job.r for job in self.jobs), ADA_RATIOS))

    def lines(self) -> Iterator[str]:
        """The plan of the chosen jobs; see `Run.lines`."""
        return self.chosen.lines()

    @cached_property
    def chosen(self) -> Run:
        """The run of the images, each at its own r. Makes the probes that do not exist yet.

        Raises:
            UsageError, ModelError, OutputError: see `choosing.Choosing.choose` and `Run.make`.
        """
        from genie_cli.generate.choosing import Choosing, Probes

        self._require_usable()
        features = self._features()
        self.observer.found(f"an r is chosen for each image by probes in {self._probes.settings.output.dir}")
        made = self._probes.make()
        assert self.plan.source_root is not None  # noqa: S101 - `request.check` has refused a run without
        with Probes.opened(made.root, made.rows()) as probes:
            choosing = Choosing(self.plan.source_root, self.plan.photos, probes, features, self.observer)
            total = sum(1 for _ in self._families())
            places = choosing.choose(self._families(), self.targets, total)
            chosen = bytes(_UNKNOWN if place is None else place for place in places)
        if unknown := chosen[: self.share.limit].count(_UNKNOWN):
            self.observer.warning(
                f"no r could be chosen for {counted(unknown, 'image')}, which {'gets' if unknown == 1 else 'get'} "
                f"{_FALLBACK:g}: {made.manifest} says which probes failed"
            )
        recipe = {**self.plan.recipe, **self.chooser.stated(features.backbone.name)}
        plan = replace(self.plan, jobs=Plan(lambda: self._at(chosen)), recipe=recipe)
        return Run(self.settings, self.located, plan, self.observer, self.share)

    def _at(self, chosen: bytes) -> Iterator[Job]:
        """The job of each family whose place is ``chosen``.

        Without a choice it is that of the usual r, which fails as its probe did; those that a limit has left without
        probes are not planned.
        """
        for number, (family, place) in enumerate(zip(self._families(), chosen, strict=True)):
            if place != _UNKNOWN:
                yield family[place]
            elif self.share.limit is None or number < self.share.limit:
                yield family[ADA_RATIOS.index(_FALLBACK)]

    def _families(self) -> Iterator[Family]:
        """The families, in the plan's order: there the jobs of one follow each other, r ascending."""
        return zip(*[iter(self.plan.jobs)] * len(ADA_RATIOS), strict=True)

    @property
    def _probes(self) -> Run:
        """The run of the probes."""
        out = Path(self.settings.output.dir) / PROBES
        output = self.settings.output.model_copy(update={"dir": str(out), "format": PROBE_FORMAT})
        generate = self.settings.generate.model_copy(update={"probe": True})
        limit = self.share.limit and self.share.limit * len(ADA_RATIOS)
        settings = self.settings.model_copy(update={"output": output, "generate": generate})
        return Run(settings, self.located, self.plan, self.observer, Share(limit=limit))

    def _require_usable(self) -> None:
        """Raise OutputError if the images cannot go into their folder, before a probe is made."""
        from genie_cli.generate.folder import Output

        with Output(Path(self.settings.output.dir), self._header()).looked_at():
            pass

    def _features(self) -> Features:
        from genie_cli.backbones.features import Features, default_folder
        from genie_cli.backbones.load import load, spread

        device, *others = self._devices or (self.settings.model.device,)
        with self.observer.progress(f"Loading {self.chooser.backbone}"):
            backbone = load(self.chooser.backbone, self.chooser.checkpoint, device, self.observer)
        return Features(spread(backbone, others), default_folder(self.observer), self.observer)

    def _tally(self, known: Ledger, check: Callable[[str], None]) -> Tally:
        """As if every image took as many steps as the mean of the ratios; what was made before may have any."""
        steps = [self._steps_for(r) for r in ADA_RATIOS]
        each = len(steps) + round(sum(steps) / len(steps))
        new = (family[-1] for family in self._wanted() if not any(map(known.made, family)))
        tally = Tally.of(new, lambda _: False, lambda _: each, check)
        return replace(
            tally,
            there=sum(any(map(known.made, family)) for family in self._wanted()),
            most_steps=tally.images * (len(steps) + max(steps)),
            probes=tally.images * len(steps),
        )

    def _wanted(self) -> Iterator[Family]:
        """The families of this process."""
        return islice(self._families(), self.share.limit)
