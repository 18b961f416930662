"""The files that a snapshot consists of, and which of them are missing.

Weights may be in one file or in several with an index, and in one or both of two precisions: ``model.safetensors``,
``model.fp16.safetensors``, ``model.safetensors.index.json`` with what it lists, ``model.safetensors.index.fp16.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from genie_cli.diffusion import families
from genie_cli.errors import ModelError
from genie_cli.files.reading import is_folder, json_bytes, look, reason, require_regular

_VOCABULARY = ("vocab.json", "merges.txt")  # or tokenizer.json, which has both
_MAX_INDEX_BYTES = 16 << 20
_OTHER_WEIGHTS = (".bin", ".ckpt", ".pt", ".pth", ".msgpack", ".h5", ".onnx")


class _Index(BaseModel):
    """Which file each weight is in. A name with a slash would be a file elsewhere."""

    model_config = ConfigDict(strict=True)
    weight_map: Annotated[
        dict[str, Annotated[str, StringConstraints(pattern=r"^[\w.-]+\.safetensors$")]], Field(min_length=1)
    ]


@dataclass(frozen=True)
class Weights:
    """The files of a part's weights, in one precision.

    Attributes:
        fp16: whether they are those named ``fp16``.
        files: all of them.
    """

    fp16: bool
    files: tuple[Path, ...]


def missing(path: Path) -> list[str]:
    """The files that a snapshot needs and that are not there, such as ``unet/config.json``. One precision is enough.

    Raises:
        ModelError: a file cannot be looked at, or an index of weights cannot be read.
    """
    family = families.of(path)
    needed = [f"{part}/config.json" for part in family.networks()] + ["scheduler/scheduler_config.json"]
    for part in family.tokenizers():
        needed.append(f"{part}/tokenizer_config.json")
        if not _is_there(path / part / "tokenizer.json"):
            needed += [f"{part}/{name}" for name in _VOCABULARY]
    lost = [name for name in needed if not _is_there(path / name)]
    for part in family.networks():
        if not weights(path, part):
            lost += [file.relative_to(path).as_posix() for file in _nearest(path, part)]
    return lost


def weights(path: Path, part: str) -> list[Weights]:
    """The part's weights in each precision in which none of their files is missing; first those not named ``fp16``."""
    whole = []
    for fp16 in (False, True):
        files = _files(path, part, fp16)
        if all(_is_there(file) for file in files):
            whole.append(Weights(fp16, files))
    return whole


def choose(path: Path, part: str, half: bool) -> Weights:
    """The weights to read: those named ``fp16`` in half precision, or where there are no others.

    Raises:
        ModelError: none are whole.
    """
    if not (found := weights(path, part)):
        lost = ", ".join(file.name for file in _nearest(path, part))
        raise ModelError(f"{path / part} is not whole: it has no {lost}", "download or copy the model again")
    return found[-1] if half else found[0]


def _nearest(path: Path, part: str) -> list[Path]:
    """The files that are missing of the precision that is there in part, else of the smaller one."""
    for fp16 in (False, True):
        files = _files(path, part, fp16)
        if len(files) > 1:
            return [file for file in files if not _is_there(file)]
    return [*_files(path, part, fp16=True)]


def _files(path: Path, part: str, fp16: bool) -> tuple[Path, ...]:
    """The files of one precision, whether they are there or not."""
    folder, stem = path / part, "model" if part.startswith("text_encoder") else "diffusion_pytorch_model"
    index = folder / f"{stem}.safetensors.index{'.fp16' if fp16 else ''}.json"
    if not _is_there(index):
        return (folder / f"{stem}{'.fp16' if fp16 else ''}.safetensors",)
    try:
        listed = _Index.model_validate_json(json_bytes(index, _MAX_INDEX_BYTES)).weight_map.values()
    except (OSError, ValidationError) as error:
        what = reason(error) if isinstance(error, OSError) else "it is not an index of .safetensors files beside it"
        raise ModelError(f"{index} cannot be read: {what}", "download or copy the model again") from None
    return tuple(folder / name for name in sorted(set(listed)))


def is_small(name: str) -> bool:
    """Whether a file of a snapshot, by its path in it, is one of the configurations and vocabularies of its parts."""
    part, _, file = name.partition("/")
    is_text = file.endswith((".json", ".txt")) and "/" not in file
    return part in families.PARTS and is_text and ".safetensors.index" not in name


def is_pickled(folder: Path) -> bool:
    """Whether a part's weights are there, but pickled or of another framework, and none as .safetensors."""
    found = [file.name for file in folder.iterdir()] if is_folder(folder) else []
    return any(name.endswith(_OTHER_WEIGHTS) for name in found) and not any(".safetensors" in name for name in found)


def _is_there(file: Path) -> bool:
    try:
        if found := look(file):
            require_regular(found)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {reason(error)}", "download or copy the model again") from None
    return found is not None
