"""The images that an evaluator needs: as a plan for `genie generate`, made at once, or read from manifests."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli import manifest
from genie_cli.cli._console import words
from genie_cli.config import STABLE_DIFFUSION, Format, Settings
from genie_cli.errors import UsageError
from genie_cli.files import require_own, write_atomically
from genie_cli.generate.checks import open_plan
from genie_cli.generate.plan import Planned
from genie_cli.generate.run import Work
from genie_cli.jobs import Job, Plan

if TYPE_CHECKING:
    from genie_cli.diffusion.locate import Located
    from genie_cli.evaluate.generated import Images


def suited_to_digits(settings: Settings, given: set[str]) -> Settings:
    """The digits have a model of their own, unless another is named.

    Args:
        given: names of the settings that were given as options.
    """
    from genie_cli.config import BUNDLED

    if settings.model.name != STABLE_DIFFUSION or "name" in given:
        return settings
    return settings.model_copy(update={"model": settings.model.model_copy(update={"name": BUNDLED})})


def located_in(settings: Settings, given: set[str]) -> Located:
    """The model that makes the images."""
    from genie_cli.diffusion.locate import is_local, locate

    if "revision" in given and is_local(settings.model.name):
        raise UsageError("--revision goes with a model of the hub; this one is on this machine")
    return locate(settings.model.name, settings.model.commit)


def work(settings: Settings, located: Located, root: Path, jobs: Iterable[Job], out: Path) -> Work:
    """What makes the jobs' images, each once, in ``out/images``.

    Args:
        root: folder that the sources' paths are relative to.
    """
    output = settings.output.model_copy(update={"dir": str(out / "images"), "format": Format.PNG})
    # Source by source, so that each is read once.
    ordered = sorted({job.id: job for job in jobs}.values(), key=_order)
    plan = Plan(lambda: iter(ordered))
    return Work(settings.model_copy(update={"output": output}), located, Planned(plan, root, {}), plan, "")


def _order(job: Job) -> tuple[object, ...]:
    return job.source.path if job.source else "", job.method.value, job.target, job.replicate, job.r


def write_plan(work: Work, plan_out: str) -> None:
    """The plan as a file, and in words the command that makes it; or on standard output, if it is ``-``."""
    if plan_out == "-":
        sys.stdout.writelines(work.plan_lines())
        return
    require_own(Path(plan_out), '{"kind":"genie.plan"')
    lines = list(work.plan_lines())
    write_atomically(Path(plan_out), "".join(lines).encode())
    words().print(f"{plan_out} has {len(lines) - 1} images; make them: {_generate(work, plan_out)}", soft_wrap=True)


def _generate(work: Work, plan: str) -> str:
    """The command that makes a plan's images with the settings it was made for."""
    command = ["genie", "generate", "--plan", plan]
    used, default = work.settings, Settings()
    chosen = {
        "--model": (used.model.name, default.model.name),
        "--revision": (used.model.revision, default.model.revision),
        "--steps": (used.generate.steps, default.generate.steps),
        "--guidance": (used.generate.guidance, default.generate.guidance),
    }
    command += [word for flag, (now, usual) in chosen.items() if now != usual for word in (flag, str(now))]
    return shlex.join([*command, "--format", "png"])


def make(work: Work) -> Images:
    """Make what is not there yet."""
    output, summary = work.make()
    if summary.failed:
        words().print(f"{summary.failed} images failed; {output.manifest} says why", soft_wrap=True)
    # Beside this run's images there may be an earlier one's of the same, by another seed or prompt.
    return read((str(output.manifest),), {job.id for job in work.mine})


def read(manifests: Sequence[str], only: Collection[str] | None = None) -> Images:
    """The images of the manifests; of these jobs only, by their ids, if that is said."""
    from genie_cli.evaluate.generated import Images

    images = Images()
    for name in manifests:
        with open_plan(name) as stream:
            document = manifest.read(stream, "standard input" if name == "-" else name, "genie.manifest")
            wanted = document if only is None else document.only(only)
            images.add(wanted, Path(name).parent if name != "-" else Path())
    return images
