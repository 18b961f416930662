"""`--profile`: where a run's time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from genie_cli.diffusion.clock import OTHER, Stopwatch

if TYPE_CHECKING:
    import torch

_SECTIONS = {
    "read": "waiting for sources to be read",
    "encode": "prompts and sources into the model",
    "unet": "solver steps",
    "decode": "latents to pixels",
    "write": "waiting for images to be written",
    OTHER: "everything else",
}


def stopwatch(device: torch.device) -> Stopwatch:
    """A clock that is on; on a GPU it waits for what is queued there, else it would time the queueing."""
    import torch

    if device.type == "cuda":
        return Stopwatch(lambda: torch.cuda.synchronize(device))
    return Stopwatch()


def show(watch: Stopwatch, console: Console) -> None:
    """Print seconds and share of each section of the main thread's time; they sum to the total."""
    total = watch.stop()
    table = Table("", "seconds", "share", "", box=None, title="Where the time went", title_justify="left")
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, meaning in _SECTIONS.items():
        seconds = watch.seconds.get(name, 0.0)
        table.add_row(name, f"{seconds:.2f}", f"{seconds / total:.1%}", meaning)
    table.add_row("total", f"{total:.2f}", "100.0%", "from the loaded model on")
    console.print(table)
    if watch.rows:
        each = 1000 * watch.seconds["unet"] / watch.rows
        console.print(f"{watch.rows} rows went through the UNet, {each:.2f} ms each", highlight=False)
