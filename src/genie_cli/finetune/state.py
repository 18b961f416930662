"""The files of one training: its state after each epoch, and at the end the network and what it was tested with.

    state.pt                what is needed to resume, below a line with its SHA-256; deleted at the end
    network.safetensors     the weights, under timm's names
    result.json             the settings of the training, the accuracy per class, and the class that was predicted
                            for each test image, with their SHA-256

Every file is written atomically, and read only for a training with the same settings. None is trusted: one that is
damaged is as good as none, the training starts again, and the observer is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

from pydantic import BaseModel, ConfigDict, Field

from genie_cli.errors import OutputError
from genie_cli.files.reading import open_binary, read_json, reason
from genie_cli.files.writing import clear_unfinished, replace_atomically, reraise_as_output_error, write_atomically
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

_HEAD = "genie.training-state 1 {:0>64}\n"
_STRICT = ConfigDict(frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True)
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class SavedState(BaseModel):
    """What a training resumes from.

    Attributes:
        epoch: number of finished epochs.
        network: the network's weights by name.
        optimizer: what its ``state_dict`` returned.
        scaler: likewise; empty without one.
    """

    model_config = _STRICT

    epoch: Annotated[int, Field(ge=0)]
    network: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]


class _Result(BaseModel):
    """The content of result.json; files of earlier versions have no ``predicted``, or not even a ``sha256``."""

    model_config = _STRICT

    what: dict[str, Any]
    accuracy: dict[str, _Share]
    predicted: list[Annotated[int, Field(ge=0)]] | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Measured:
    """What a trained network was found to do.

    Attributes:
        accuracy: of each class on the test images, 0..1.
        predicted: of each test image, in their order, the place of the predicted class among the sorted classes; None
            if an earlier version tested it, which did not keep this.
    """

    accuracy: Mapping[str, float]
    predicted: tuple[int, ...] | None = None


class TrainingState:
    """The files of one training in its own folder.

    Args:
        folder: must exist.
        settings: everything that determines the weights; JSON. The files call it ``what``.
        observer: is told of files that are damaged, and so are not used.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], observer: Observer | None = None) -> None:
        self._folder, self._settings = folder, json.loads(json.dumps(settings))
        self._observer = observer or Observer()
        self._file = folder / "state.pt"
        self._network = folder / "network.safetensors"
        self._result = folder / "result.json"

    def load(self, device: torch.device) -> SavedState | None:
        """The state that was saved last, with its tensors on ``device``; None if there is none that can be used.

        Raises:
            OutputError: the file cannot be read, or belongs to a training with other settings.
        """
        import torch

        with _reraised(self._file):
            body = _body(self._file)
        if not body:
            if body is not None:
                self.start_again("is damaged, or of an earlier version")
            return None
        try:
            content: dict[str, Any] = torch.load(BytesIO(body), map_location=device, weights_only=True)
            saved, state = dict(json.loads(content["what"])), SavedState.model_validate(content["state"])
        except Exception as error:  # torch's reader raises almost anything
            self.start_again(f"cannot be used ({type(error).__name__})")
            return None
        self._require_same(saved)
        return state

    def start_again(self, why: str) -> None:
        """Say that the saved state is not used, and so the training starts again."""
        self._observer.warning(f"{self._file} {why}: this training starts again from its beginning")

    def save(self, state: SavedState) -> None:
        """Save a state, replacing the previous one.

        Raises:
            OutputError: the file cannot be written.
        """
        content = {"what": json.dumps(self._settings), "state": dict(state)}
        replace_atomically(self._file, lambda file: _write(file, content), follow=False)

    def result(self, classes: Sequence[str], images: int) -> Measured | None:
        """What the trained network was found to do, if the training has finished; else None.

        Args:
            classes: all of them; a file with others is damaged.
            images: number of test images; a file with another number of predictions is damaged.

        Raises:
            OutputError: see `load`.
        """
        try:
            with _reraised(self._result):
                found = _Result.model_validate(read_json(self._result))
        except FileNotFoundError:
            return None
        except ValueError:  # pydantic's, too
            wrong = "is not what genie writes"
        else:
            wrong = self._wrong(found, classes, images)
            if not wrong:
                predicted = None if found.predicted is None else tuple(found.predicted)
                return Measured({label: found.accuracy[label] for label in classes}, predicted)
        self._observer.warning(f"{self._result} {wrong}: it is not used, and this training is done again")
        return None

    def _wrong(self, found: _Result, classes: Sequence[str], images: int) -> str:
        """Why a result is not used; empty if it is. OutputError if it is that of a training with other settings."""
        if found.sha256 not in (None, _digest(found.what, found.accuracy, found.predicted)):
            return "does not fit its SHA-256"
        self._require_same(found.what)
        if set(found.accuracy) != set(classes):
            return "does not have the accuracy of each class, and no other"
        if found.predicted is None:
            return ""
        complete = len(found.predicted) == images and max(found.predicted, default=0) < len(classes)
        return "" if complete else "does not have a class for each test image"

    def finish(self, network: torch.nn.Module, tested: Measured) -> None:
        """Save the trained network and what it was found to do, and delete the state.

        Raises:
            OutputError: a file cannot be written.
        """
        from safetensors.torch import save

        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        write_atomically(self._network, save(weights), follow=False)
        content: dict[str, Any] = {"what": self._settings, "accuracy": dict(tested.accuracy)}
        if tested.predicted is not None:
            content["predicted"] = list(tested.predicted)
        text = json.dumps({**content, "sha256": _digest(**content)}, indent=1) + "\n"
        write_atomically(self._result, text.encode(), follow=False)
        self.clear(finished=True)

    def clear(self, *, finished: bool) -> None:
        """Delete what killed processes left of these files; if the training has finished, its state, too.

        Raises:
            OutputError: the state cannot be deleted.
        """
        clear_unfinished(self._file, self._network, self._result)
        if finished:
            with reraise_as_output_error(self._folder):
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


def _body(path: Path) -> bytes | None:
    """What torch wrote, if it fits the SHA-256 above it, else nothing; None if there is no file; raises OSError.

    It is read into memory once it is known to be a state: anything may be in its place.
    """
    try:
        with open_binary(path) as file:
            head = file.readline(len(_HEAD.format("")))
            start = file.tell()
            if start != len(_HEAD.format("")) or not head.startswith(_HEAD.partition("{")[0].encode()):
                return b""
            if head != _HEAD.format(hashlib.file_digest(cast("Any", file), "sha256").hexdigest()).encode():
                return b""
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return None


class _Hashed:
    """A file that is written to, and the SHA-256 of what is written; keeps an error that torch would retell."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest = file, hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _write(file: BinaryIO, content: Mapping[str, Any]) -> None:
    """Write a state, and then its SHA-256 into the line above it: it may be too large to be held in memory twice."""
    import torch

    file.write(_HEAD.format("").encode())
    hashed = _Hashed(file)
    try:
        torch.save(content, hashed)  # type: ignore[arg-type]
    except RuntimeError:
        if hashed.error:
            raise hashed.error from None
        raise
    file.seek(0)
    file.write(_HEAD.format(hashed.digest.hexdigest()).encode())


def _digest(what: Mapping[str, Any], accuracy: Mapping[str, float], predicted: Sequence[int] | None = None) -> str:
    content = {"what": what, "accuracy": accuracy} | ({} if predicted is None else {"predicted": predicted})
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _reraised(file: Path) -> Iterator[None]:
    """Turn errors of opening a file into OutputErrors, but that it is not there."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputError(f"{file} cannot be read: {reason(error)}", "check its permissions, or move it away") from None
