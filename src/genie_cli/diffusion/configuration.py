"""The configurations of a snapshot, read and found to fit each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from genie_cli.config import STABLE_DIFFUSION
from genie_cli.diffusion import families
from genie_cli.diffusion.family import Family
from genie_cli.diffusion.parts import MAX_IMAGE_SIDE, VAE, Configuration, Scheduler, TextEncoder, UNet
from genie_cli.errors import ModelError
from genie_cli.files.reading import first_problem, is_file, json_bytes, reason

AGAIN = "download or copy the model again"
ANOTHER = f"use a Stable Diffusion 1.x, 2.x or XL model, such as {STABLE_DIFFUSION}"
_MAX_BYTES = 1 << 20  # of a configuration; those of Stable Diffusion have less than 20 kB

Value = TypeVar("Value", bound=Configuration)


@dataclass(frozen=True)
class Snapshot:
    """The configurations of a snapshot whose parts fit each other.

    Attributes:
        text_encoders: in the order in which the family names them.
    """

    family: Family
    unet: UNet
    vae: VAE
    text_encoders: tuple[TextEncoder, ...]
    scheduler: Scheduler

    @property
    def image_side(self) -> int:
        """Side of the square images that the model takes and makes, in pixels."""
        return self.unet.side * self.vae.factor


def read(path: Path) -> Snapshot:
    """The configurations of a snapshot's parts.

    Raises:
        ModelError: one of them is missing, damaged, out of range, not understood, or does not fit the others.
    """
    kind = families.of(path)
    index = read_part(path / "model_index.json", kind.index) if is_file(path / "model_index.json") else kind.index()
    unet = read_part(path / "unet/config.json", UNet)
    vae = read_part(path / "vae/config.json", VAE)
    encoders = tuple(read_part(path / name / "config.json", each) for name, each in kind.text_encoders.items())
    scheduler = read_part(path / "scheduler/scheduler_config.json", Scheduler)
    found = Snapshot(kind.of(unet, vae, index), unet, vae, encoders, scheduler)
    if misfit := kind.misfit(unet, encoders):
        raise ModelError(f"{path}: {misfit}", AGAIN)
    if found.image_side > MAX_IMAGE_SIDE:
        raise ModelError(
            f"{path / 'unet/config.json'}: sample_size: images would have {found.image_side} pixels a side, and "
            f"{MAX_IMAGE_SIDE} is the most",
            AGAIN,
        )
    return found


def read_part(path: Path, kind: type[Value]) -> Value:
    """One configuration.

    Raises:
        ModelError: it is missing, not JSON, or has a value of a wrong type or out of range, or one that genie does not
            understand.
    """
    try:
        return kind.model_validate_json(json_bytes(path, _MAX_BYTES))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}", AGAIN) from None
    except ValidationError as error:
        is_damaged = first_problem(error)[0] in ("json_invalid", "model_type", "missing")
        raise ModelError(f"{path} {_fault(error)}", AGAIN if is_damaged else [ANOTHER, f"or {AGAIN}"]) from None


def _fault(error: ValidationError) -> str:
    """The first thing that is wrong, as a predicate."""
    kind, place, said = first_problem(error)
    if kind == "json_invalid":
        return "cannot be read: it is not valid JSON"
    if kind == "model_type":
        return "cannot be read: it is not a JSON object"
    key = str(next(iter(place), ""))
    if kind == "missing":
        return f"is not whole: it has no {key}"
    return f"is not supported: {': '.join(filter(None, (key, said[:1].lower() + said[1:])))}"
