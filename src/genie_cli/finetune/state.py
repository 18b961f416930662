"""What a training leaves in its folder: its state after each epoch, and at the end the network and its accuracies.

    state.pt                what it needs to go on; gone once it has ended
    network.safetensors     the weights, in timm's names
    result.json             what was learned from what, and each class's accuracy

Every file is written whole or not at all, and none is taken for another training's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.errors import OutputError
from genie_cli.files import replace_atomically, write_atomically

if TYPE_CHECKING:
    import torch


class State:
    """One training's folder.

    Args:
        what: everything that decides the weights; JSON.
    """

    def __init__(self, folder: Path, what: Mapping[str, Any]) -> None:
        self._folder, self._what = folder, json.loads(json.dumps(what))

    @property
    def _file(self) -> Path:
        return self._folder / "state.pt"

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """What `save` was given last; None if there is nothing yet.

        Raises:
            OutputError: the file is damaged, or belongs to a training with other settings.
        """
        import torch

        if not self._file.exists():
            return None
        with _explained(self._file):
            content: dict[str, Any] = torch.load(self._file, map_location=device, weights_only=True)
            before, state = json.loads(content["what"]), dict(content["state"])
        self._require_same(before)
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Put the state on disk, over the one before."""
        import torch

        replace_atomically(
            self._file, lambda path: torch.save({"what": json.dumps(self._what), "state": dict(state)}, path)
        )

    def result(self) -> dict[str, float] | None:
        """Each class's accuracy, if the training has ended; errors as `load`."""
        file = self._folder / "result.json"
        if not file.exists():
            return None
        with _explained(file):
            content = json.loads(file.read_text(encoding="utf-8"))
            before, accuracy = content["what"], dict(content["accuracy"])
        self._require_same(before)
        return accuracy

    def finish(self, network: torch.nn.Module, accuracy: Mapping[str, float]) -> None:
        """Keep the network and its accuracies, and drop the state."""
        from safetensors.torch import save_file

        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        replace_atomically(self._folder / "network.safetensors", lambda path: save_file(weights, path))
        text = json.dumps({"what": self._what, "accuracy": dict(accuracy)}, indent=1) + "\n"
        write_atomically(self._folder / "result.json", text.encode())
        self._file.unlink(missing_ok=True)

    def _require_same(self, before: Mapping[str, Any]) -> None:
        changed = [key for key in sorted({*before, *self._what}) if before.get(key) != self._what.get(key)]
        if changed:
            lines = "\n".join(f"  {key}: {before.get(key)!r} -> {self._what.get(key)!r}" for key in changed)
            raise OutputError(
                f"{self._folder} was trained with other settings:\n{lines}",
                "give this run another --out, or the same settings to go on",
            )


class _explained:  # noqa: N801 - reads as a verb
    """Turns whatever a damaged file makes its reader raise into an OutputError."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise OutputError(f"{self._file} cannot be read: {reason}", "delete it: that training starts again")
