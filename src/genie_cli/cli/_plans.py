"""Plans before they are made: written to a file or to stdout, or shown with what they would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli._console import facts, stderr, stdout, wants_lines, write_lines
from genie_cli.cli._printable import duration
from genie_cli.data.listing import counted
from genie_cli.generate.estimate import Estimate, Tally

if TYPE_CHECKING:
    from genie_cli.generate.run import Run


def check_plan_path(plan_out: str | None) -> None:
    """Raise OutputError if a plan cannot be written there; before data are read, which takes long."""
    from genie_cli.evaluate.obtain import require_plan_path

    if plan_out and plan_out != "-":
        require_plan_path(Path(plan_out))


def show_plan(run: Run, plan_out: str | None, as_json: bool) -> None:
    """Write a plan to a file or to stdout; or show what its images would take."""
    from genie_cli.evaluate.obtain import command_for, write_plan

    if plan_out == "-" or (not plan_out and wants_lines(as_json)):
        write_lines(run.lines())
    elif plan_out:
        count = write_plan(run, Path(plan_out))
        stderr().print(f"{plan_out} has {count} images; make them: {command_for(run, plan_out)}", soft_wrap=True)
    else:
        show_estimate(run)


def show_estimate(run: Run, more: dict[str, object] | None = None) -> None:
    """Print what a run would make, and what it would take."""
    estimate = run.estimate()
    tally = estimate.tally
    table: dict[str, object] = {
        **(more or {}),
        "images": tally.images,
        **({"already there": tally.there} if tally.there else {}),
        "sources": tally.sources,
        "solver steps": _steps(tally),
        "size": f"{estimate.size} x {estimate.size}",
        "model": estimate.model,
        "batch": estimate.batch,
        **_workers(estimate),
        "time": _time(estimate),
        **_elsewhere(estimate),
        "disk": f"about {max(estimate.disk / 2**20, 0.1):.1f} MiB in {run.settings.output.dir}",
    }
    if tally.too_long:
        table["would fail"] = f"{tally.too_long} prompts: {tally.reason}"
    stdout().print(facts("Nothing was made. This would be made:", table))


def _steps(tally: Tally) -> str:
    """How many, or between what: each image may take another number if its r is chosen."""
    if not tally.most_steps:
        return str(tally.steps)
    return f"about {tally.steps}, at most {tally.most_steps}, of which {tally.probes} are of probes"


def _workers(estimate: Estimate) -> dict[str, str]:
    """How many there are, and what each has to do, if there may be several."""
    count = estimate.workers.count
    if not count:
        return {"workers": "one for each GPU of the cluster, or else for each machine"}
    return {"workers": f"{count}, each about {counted(estimate.steps_each, 'solver step')}"} if count > 1 else {}


def _time(estimate: Estimate) -> str:
    if estimate.seconds is None:
        return "not known: this machine has no such device, on which a step could be timed"
    about, timed = f"about {duration(estimate.seconds)}", "(one step was timed just now)"
    if not estimate.workers.elsewhere:
        return f"{about} {timed}"
    if estimate.workers.count > 1:
        return f"{about} if all have room and are as fast as this machine {timed}"
    return f"{about} for one worker as fast as this machine {timed}"


def _elsewhere(estimate: Estimate) -> dict[str, str]:
    times = [f"{duration(seconds)} on one {name}" for name, seconds in estimate.elsewhere.items()]
    return {"on a GPU": f"about {', '.join(times)} (computed from published step times)"} if times else {}
