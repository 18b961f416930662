"""What a training saves of its network, optimizer and scaler, and how it resumes."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from genie_cli.finetune.state import SavedState, TrainingState

if TYPE_CHECKING:
    from accelerate import Accelerator


def resume(state: TrainingState, network: Any, optimizer: Any, accelerator: Accelerator, epochs: int) -> int:
    """Restore the saved state, if there is one that fits.

    Args:
        epochs: of the whole training.

    Returns:
        The number of finished epochs.

    Raises:
        OutputError: the state cannot be read, or belongs to a training with other settings.
    """
    import torch

    saved = state.load(accelerator.device)
    if saved and (unfit := mismatch(saved, network, optimizer, epochs)):
        state.start_again(unfit)
        saved = None
    if accelerator.scaler is not None:  # shared by all trainings of a run: each must begin as if it were the first
        accelerator.scaler.load_state_dict(saved.scaler if saved else torch.amp.GradScaler().state_dict())
    if saved is None:
        return 0
    network.load_state_dict(saved.network)
    optimizer.load_state_dict(saved.optimizer)
    return saved.epoch


def current(finished: int, network: Any, optimizer: Any, accelerator: Accelerator) -> SavedState:
    """The state after ``finished`` epochs."""
    scaler = accelerator.scaler
    return SavedState(
        epoch=finished,
        network=dict(network.state_dict()),
        optimizer=optimizer.state_dict(),
        scaler=scaler.state_dict() if scaler is not None else {},
    )


def mismatch(saved: SavedState, network: Any, optimizer: Any, epochs: int) -> str:
    """Why a state cannot be that of this network and optimizer, as after another version's training; else nothing."""
    import torch

    if saved.epoch > epochs:
        return f"is of epoch {saved.epoch} of {epochs}"
    shapes = {name: weights.shape for name, weights in network.state_dict().items()}
    if shapes != {name: weights.shape for name, weights in saved.network.items() if isinstance(weights, torch.Tensor)}:
        return "does not have the weights of the network"
    return "" if _fits(saved.optimizer, optimizer) else "does not fit the optimizer"


def _fits(saved: dict[str, Any], optimizer: Any) -> bool:
    """Whether the groups of parameters, and the shapes of what is kept of each, are the optimizer's."""
    try:
        here = [({*group} - {"params"}, len(group["params"])) for group in optimizer.param_groups]
        there = [({*group} - {"params"}, len(group["params"])) for group in saved["param_groups"]]
        shapes = dict(enumerate(p.shape for p in chain(*(group["params"] for group in optimizer.param_groups))))
        kept = [(index, value) for index, values in saved["state"].items() for value in values.values()]
        return here == there and all(value.shape in ((), shapes[index]) for index, value in kept)
    except (LookupError, TypeError, AttributeError):
        return False
