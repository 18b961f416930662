"""LoRAs and textual inversions on top of a model: files, found and hashed, and named in the model's identity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genie_cli.errors import ModelError, UsageError
from genie_cli.files.reading import is_file, reason, sha256_of

Kind = Literal["lora", "embedding"]
_MOST = 100.0  # times a LoRA's own strength
_PICKLES = (".pt", ".bin", ".ckpt", ".pth")
# How an adapter stands at the end of a model's identity: +lora:detail@0123456789ab:0.8
_NAMED = re.compile(r"\+(lora|embedding):([\w.-]+)@[0-9a-f]{12}(?::(-?[\w.-]+))?")


@dataclass(frozen=True)
class Adapter:
    """A file on top of a model.

    Attributes:
        scale: how strongly a LoRA is added; 1 for a textual inversion.
    """

    kind: Kind
    file: Path
    sha256: str
    scale: float = 1.0

    @property
    def identity(self) -> str:
        """What a model's identity says of it: its name, a hash of its content, and a LoRA's scale."""
        name = re.sub(r"[^\w.-]", "_", self.file.stem, flags=re.ASCII)[:64] or "_"
        return f"+{self.kind}:{name}@{self.sha256[:12]}" + (f":{self.scale!r}" if self.kind == "lora" else "")


def found(loras: Sequence[str], embeddings: Sequence[str]) -> tuple[Adapter, ...]:
    """The files that are named.

    Args:
        loras: each a path, or ``path:scale``.
        embeddings: paths.

    Raises:
        UsageError: a scale is none, or a file is named twice.
        ModelError: a file is not there, is pickled, or cannot be read.
    """
    named = [("lora", *_scaled(name)) for name in loras] + [("embedding", name, 1.0) for name in embeddings]
    adapters = tuple(_found("lora" if kind == "lora" else "embedding", name, scale) for kind, name, scale in named)
    contents = [(adapter.kind, adapter.sha256) for adapter in adapters]
    for place, content in enumerate(contents):
        if content in contents[:place]:
            raise UsageError(f"--{adapters[place].kind} {adapters[place].file} is given twice", "leave out one of them")
    return adapters


def again(adapters: Sequence[Adapter]) -> tuple[Adapter, ...]:
    """The same files on this machine, of which the contents may be others; raises ModelError as `found`."""
    return tuple(_found(adapter.kind, str(adapter.file), adapter.scale) for adapter in adapters)


def parted(identity: str) -> tuple[str, dict[str, list[str]]]:
    """A model's identity without its adapters, and the values of the options that name these.

    Of a file only the name is known, so that a person has to fill in where it is.
    """
    options: dict[str, list[str]] = {}
    for each in _NAMED.finditer(identity):
        kind, name, scale = each.groups()
        options.setdefault(kind, []).append(f"<path of {name}.safetensors>" + (f":{scale}" if scale else ""))
    return _NAMED.sub("", identity), options


def _scaled(name: str) -> tuple[str, float]:
    """The path and the scale of ``path:scale``."""
    path, colon, text = name.rpartition(":")
    if not colon or "/" in text or text.lower().endswith(".safetensors"):
        return name, 1.0
    try:
        scale = float(text)
    except ValueError:
        scale = float("nan")
    if not 0 < abs(scale) <= _MOST:
        hint = f"a number other than 0, up to {_MOST:g}: --lora {path}:0.8"
        raise UsageError(f"--lora {name}: {text!r} is no scale", hint)
    return path, scale


def _found(kind: Kind, name: str, scale: float) -> Adapter:
    try:
        file = Path(name).expanduser().absolute()
        if file.suffix.lower() in _PICKLES:
            raise ModelError(
                f"{file} is pickled, and reading it could run any code that is in it",
                "convert it to .safetensors: torch.load(..., weights_only=True), safetensors.torch.save_file",
            )
        if not is_file(file):
            raise ModelError(f"--{kind} {name}: there is no such file", "give the path of a .safetensors file")
        return Adapter(kind, file, sha256_of(file), scale)
    except (OSError, RuntimeError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise ModelError(f"--{kind} {name} cannot be read: {why}") from None
