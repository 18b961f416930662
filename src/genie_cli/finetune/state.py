"""The files of one training: its state after each epoch, and at the end the network and its accuracies.

    state.pt                what is needed to resume; deleted at the end
    network.safetensors     the weights, under timm's names
    result.json             the settings of the training, and the accuracy per class

Every file is written atomically, and read only for a training with the same settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.devices import first_line
from genie_cli.errors import OutputError
from genie_cli.files.writing import replace_atomically, write_atomically

if TYPE_CHECKING:
    import torch


class TrainingState:
    """The files of one training in its own folder.

    Args:
        folder: must exist.
        settings: everything that determines the weights; JSON. The files call it ``what``.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._settings = folder, json.loads(json.dumps(settings))

    @property
    def _file(self) -> Path:
        return self._folder / "state.pt"

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The state that was saved last, with its tensors on ``device``; None if there is none.

        Raises:
            OutputError: the file is damaged, or belongs to a training with other settings.
        """
        import torch

        if not self._file.exists():
            return None
        with _reraise_as_damaged(self._file):
            content: dict[str, Any] = torch.load(self._file, map_location=device, weights_only=True)
            saved, state = json.loads(content["what"]), dict(content["state"])
        self._require_same(saved)
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Save a state, replacing the previous one.

        Raises:
            OutputError: the file cannot be written.
        """
        import torch

        content = {"what": json.dumps(self._settings), "state": dict(state)}
        replace_atomically(self._file, lambda file: torch.save(content, file))

    def result(self) -> dict[str, float] | None:
        """The accuracy per class, 0..1, if the training has finished; else None.

        Raises:
            OutputError: see `load`.
        """
        file = self._folder / "result.json"
        if not file.exists():
            return None
        with _reraise_as_damaged(file):
            content = json.loads(file.read_text(encoding="utf-8"))
            saved, accuracy = content["what"], dict(content["accuracy"])
        self._require_same(saved)
        return accuracy

    def finish(self, network: torch.nn.Module, accuracy: Mapping[str, float]) -> None:
        """Save the trained network and its accuracy per class, and delete the state.

        Raises:
            OutputError: a file cannot be written.
        """
        from safetensors.torch import save

        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        write_atomically(self._folder / "network.safetensors", save(weights))
        text = json.dumps({"what": self._settings, "accuracy": dict(accuracy)}, indent=1) + "\n"
        write_atomically(self._folder / "result.json", text.encode())
        self._file.unlink(missing_ok=True)

    def _require_same(self, saved: Mapping[str, Any]) -> None:
        """Raise OutputError unless the saved settings are this training's."""
        changed = [key for key in sorted({*saved, *self._settings}) if saved.get(key) != self._settings.get(key)]
        if changed:
            lines = [f"  {key}: {saved.get(key)!r} -> {self._settings.get(key)!r}" for key in changed]
            raise OutputError(
                [f"{self._folder} was trained with other settings:", *lines],
                "use another --out, or the same settings to resume",
            )


@contextmanager
def _reraise_as_damaged(file: Path) -> Iterator[None]:
    """Turn any error of reading a file into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{file} cannot be read: {error.strerror or error}", "check its permissions") from None
    except Exception as error:  # on a damaged file the readers raise almost anything
        reason = f"it is damaged; its reader says: {first_line(error)}"
        raise OutputError(f"{file} cannot be read: {reason}", "delete it: that training starts again") from None
