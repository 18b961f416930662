"""Where models run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str) -> torch.device:
    """The torch device to run on; ModelError if it is not there."""
    import torch

    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # there are devices that hold no numbers
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"device {wanted!r} cannot be used: {reason}", "see genie doctor, or use --device cpu"
        ) from None
    return device
