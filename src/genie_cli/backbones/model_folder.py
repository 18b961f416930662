"""Models in timm's layout, in a folder or of the hub: a ``config.json``, and a file of weights beside it.

The configuration decides what timm builds. So it is read here, and timm is given only what is known of it and within
its range: it would allocate any size, and with some options fill what is missing in the weights with random numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from genie_cli.errors import ModelError, shorten
from genie_cli.files.reading import first_problem, is_folder, json_bytes, look, reason
from genie_cli.files.temporary import temporary_folder

FOLDER, HUB = "local-dir:", "hf-hub:"
MAX_CLASSES = 1 << 16
_MAX_BYTES = 64 << 20  # of a configuration, which may have the names of 20,000 classes
WEIGHTS = (
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
)
_EXPECTED = "expected a folder as timm's save_for_hf writes it"
_MAX_ARGUMENT = 1 << 14
# Options of timm's builder that change how weights are loaded, or what the network returns.
_NOT_OF_THE_NETWORK = ("pretrained", "features_only", "feature_cls", "pruned", "cache_dir", "checkpoint_path")

Pixels = Annotated[int, Field(ge=1, le=1024)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Classes = Annotated[int, Field(ge=0, le=MAX_CLASSES)]
Name = Annotated[str, Field(max_length=200)]
Names = Name | list[Name] | None
Numbers = Annotated[list[Number], Field(min_length=3, max_length=3)]
Shape = Annotated[list[Pixels], Field(min_length=3, max_length=3)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Pretrained(_Strict):
    """How images are prepared, and which layers are special. Where weights are from is not read."""

    tag: Name | None = None
    input_size: Shape | None = None
    test_input_size: Shape | None = None
    fixed_input_size: bool | None = None
    interpolation: Name | None = None
    crop_pct: Annotated[float, Field(ge=0.2, le=4, allow_inf_nan=False)] | None = None
    crop_mode: Name | None = None
    mean: Numbers | None = None
    std: (
        Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=3, max_length=3)] | None
    ) = None
    num_classes: Classes | None = None
    label_names: JsonValue = None  # checked where they are used
    pool_size: list[Pixels] | None = None
    first_conv: Names = None
    classifier: Names = None


class _Config(_Strict):
    architecture: Name
    num_classes: Classes | None = None
    label_names: JsonValue = None
    model_args: dict[Name, JsonValue] = {}
    pretrained_cfg: _Pretrained = _Pretrained()

    @model_validator(mode="before")
    @classmethod
    def _split(cls, content: Any) -> Any:
        """Older files have all in one dictionary, or two numbers of classes, of which timm takes the outer one."""
        if not isinstance(content, dict):
            return content
        inner = content.get("pretrained_cfg", content)
        if isinstance(inner, dict) and content.get("num_classes") is not None:
            inner = inner | {"num_classes": content["num_classes"]}  # before timm 1.0.31: of what training began with
        return content | {"pretrained_cfg": inner}

    @field_validator("model_args")
    @classmethod
    def _is_of_the_network(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if odd := [name for name in arguments if name.startswith(_NOT_OF_THE_NETWORK)]:
            raise ValueError(f"these are not arguments of a network: {shorten(odd)}")
        if odd := [name for name, value in arguments.items() if not _is_sound(value)]:
            raise ValueError(f"no network is that large or deep: {shorten(odd)}")
        if arguments.get("in_chans") not in (None, 3):
            raise ValueError("the network takes images of other channels than red, green and blue")
        return arguments

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        stated = (self.num_classes, self.pretrained_cfg.num_classes, self.model_args.get("num_classes"))
        if len({count for count in stated if count is not None}) > 1:
            raise ValueError(f"num_classes is {', '.join(str(count) for count in stated if count is not None)}")
        return self


def _is_sound(value: JsonValue, depth: int = 0) -> bool:
    """Whether a value is one that a network is built with: no huge number, no long list."""
    if isinstance(value, int | float):
        return abs(value) <= _MAX_ARGUMENT
    if isinstance(value, list | dict):
        parts = list(value.values() if isinstance(value, dict) else value)
        return depth < 4 and len(parts) <= 64 and all(_is_sound(part, depth + 1) for part in parts)
    return value is None or len(value) <= 200


@dataclass(frozen=True)
class ModelFolder:
    """A model in timm's layout.

    Attributes:
        config: the configuration, as timm reads it.
        weights: the file of weights.
    """

    config: Mapping[str, Any]
    weights: Path

    @contextmanager
    def name(self) -> Iterator[str]:
        """The model's name for timm, of a folder that has its configuration and nothing else."""
        with temporary_folder() as folder:
            (folder / "config.json").write_text(json.dumps(self.config), encoding="utf-8")
            yield f"{FOLDER}{folder}"


def find(name: str) -> ModelFolder:
    """The model called ``local-dir:folder`` or ``hf-hub:owner/name``, with or without ``@revision``.

    Raises:
        ModelError: there is no such folder, its configuration cannot be read or is out of range, or it has no weights.
        Exception: the model is not in the hub's cache and cannot be downloaded.
    """
    if name.startswith(HUB):
        config, weights = _downloaded(*repository(name))
    else:
        config, weights = _in_folder(Path(name.removeprefix(FOLDER)))
    return ModelFolder(_read(config), weights)


def _in_folder(folder: Path) -> tuple[Path, Path]:
    try:
        if not is_folder(folder):
            why = f"{folder} is not a folder" if look(folder) else f"there is no folder {folder}"
            raise ModelError(why, "check the spelling of local-dir:folder")
        if look(folder / "config.json") is None:
            raise ModelError(f"{folder} is not a model: it has no config.json", _EXPECTED)
        for name in WEIGHTS:
            if look(folder / name):
                return folder / "config.json", folder / name
    except OSError as error:
        raise ModelError(f"{folder} cannot be read: {reason(error)}") from None
    raise ModelError(f"{folder} has no weights: none of {', '.join(WEIGHTS)}", _EXPECTED)


def repository(name: str) -> tuple[str, str | None]:
    """The hub's ``owner/name`` and revision of a model called ``hf-hub:owner/name@revision``."""
    owned, _, revision = name.removeprefix(HUB).partition("@")
    return owned, revision or None


def _downloaded(owned: str, revision: str | None) -> tuple[Path, Path]:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    def fetch(file: str) -> Path:
        return Path(hf_hub_download(owned, file, revision=revision))

    config = fetch("config.json")
    for file in WEIGHTS[:-1]:
        try:
            return config, fetch(file)
        except EntryNotFoundError:  # the repository has no such file; or offline, it is not in the cache
            continue
    return config, fetch(WEIGHTS[-1])


def _read(path: Path) -> Mapping[str, Any]:
    """The configuration in a file, of which only what is known and within its range is kept."""
    try:
        found = _Config.model_validate_json(json_bytes(path, _MAX_BYTES))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}") from None
    except ValidationError as error:
        kind, place, said = first_problem(error)
        where = ".".join(map(str, place[:2]))
        said = "not valid JSON" if kind == "json_invalid" else said
        raise ModelError(
            f"{path} is not a model's configuration: {': '.join(filter(None, (where, said)))}", _EXPECTED
        ) from None
    return found.model_dump(exclude_none=True)
