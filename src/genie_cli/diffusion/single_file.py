"""A single file with a whole Stable Diffusion 1.x or XL model, in its authors' layout: converted once, then cached.

diffusers converts the weights. The configurations and the tokenizers, which such a file does not have, are those of
Stable Diffusion 1.5 and of XL's base, and part of this package.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.diffusion import clip_vocabulary, layout, tensors
from genie_cli.diffusion.checkpoints import STABLE_DIFFUSION_XL, Kind, kind_of
from genie_cli.diffusion.libraries import draw_no_bars, guarded
from genie_cli.diffusion.tensors import Described
from genie_cli.errors import ModelError, OutputError, shorten
from genie_cli.files.cache import cache
from genie_cli.files.folders import make_own_folder, remove_folder
from genie_cli.files.reading import read_json, reason, sha256_of
from genie_cli.files.temporary import temporary_folder
from genie_cli.files.writing import reraised, write_atomically
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

CONFIGURATIONS = Path(str(files("genie_cli"))) / "bundled"
_VERSION = 1  # of the conversion: what another one has made is not used
_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")
SUFFIXES = (".safetensors", *_PICKLES)
_ANOTHER = "use a Stable Diffusion 1.x or XL model"
_FOLDERS = "as a folder that save_pretrained of diffusers writes, it runs"
# What a file is, by a piece of the name of one of its weights, and what to do with it.
_OTHERS = (
    ("lora_", "a LoRA, which goes on top of a model", "--lora FILE"),
    ("emb_params", "a textual inversion, which goes on top of a model", "--embedding FILE"),
    ("control_model.", "a ControlNet", ""),
    ("conditioner.embedders.0.model.", "the refiner of Stable Diffusion XL", ""),
    ("cond_stage_model.model.", "Stable Diffusion 2.x", _FOLDERS),
    ("joint_blocks.", "Stable Diffusion 3", ""),
    ("double_blocks.", "Flux", ""),
    ("down_blocks.", "a single part of a snapshot", "name the snapshot's folder: the one with model_index.json"),
)


def converted(file: Path, observer: Observer) -> tuple[Path, str]:
    """The snapshot that a checkpoint was converted to, in genie's cache; it is converted if it is not there.

    Returns:
        Its folder, and the SHA-256 of the checkpoint.

    Raises:
        ModelError: the file cannot be read, or is no Stable Diffusion 1.x or XL model as a whole.
        OutputError: the cache cannot be written.
    """
    found = _require_checkpoint(file)
    try:
        digest = sha256_of(file)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {reason(error)}") from None
    folder = cache(observer) / "models" / f"{digest[:32]}-{_VERSION}"
    if layout.missing(folder):
        make_own_folder(folder.parent)
        with observer.progress(f"Converting {file.name}, once"), reraised(folder):
            _convert(file, found, folder)
        observer.found(f"{file.name} is kept as a snapshot in {folder}")
    return folder, digest


def _require_checkpoint(file: Path) -> Mapping[str, Described]:
    """What a file's header says, if it is a checkpoint that can be converted; raises ModelError."""
    if file.suffix.lower() in _PICKLES:
        raise ModelError(f"{file} is pickled, and reading it could run any code that is in it", _conversion(file))
    if file.suffix.lower() != ".safetensors":
        raise ModelError(f"{file} is a file, and no model: expected .safetensors, or a folder", "see --model")
    found = tensors.header(file)
    for piece, name, hint in _OTHERS:
        if any(piece in key for key in found):
            raise ModelError(f"{file} is not supported as a model: it is {name}", hint or _ANOTHER)
    kind = kind_of(found)
    if lost := [part for part in kind.prefixes if not kind.count(found, part)[0]]:
        raise ModelError(f"{file} is no whole {kind.name} model: it has no {shorten(lost)}", _ANOTHER)
    if _FIRST in found and found[_FIRST].shape[1:2] != (4,):
        raise ModelError(f"{file} is not supported: its UNet has other inputs, as those for inpainting have", _ANOTHER)
    tensors.require_real(file, {key: each for key, each in found.items() if kind.is_weight(key)})
    return found


def _conversion(file: Path) -> list[str]:
    """The shell command that converts a pickled checkpoint, running none of the code that may be in it."""
    code = (
        "import sys, torch; from safetensors.torch import save_file; "
        "w = torch.load(sys.argv[1], map_location='cpu', weights_only=True); w = w.get('state_dict', w); "
        "save_file({k: v.clone().contiguous() for k, v in w.items() if isinstance(v, torch.Tensor)}, sys.argv[2])"
    )
    there = str(file.with_suffix(".safetensors"))
    convert = shlex.join(["python", "-c", code, str(file), there])
    return [
        f"convert it: {convert}, then --model {shlex.quote(there)}",
        "if torch refuses it: most models are published as .safetensors, too",
    ]


def _convert(file: Path, found: Mapping[str, Described], folder: Path) -> None:
    """Write the snapshot of a checkpoint, as a whole or not at all."""

    def unwritable(reason: str) -> OutputError:
        return OutputError(f"cannot write {folder}: {reason}", "free some space, or set XDG_CACHE_HOME to another disk")

    draw_no_bars()
    kind = kind_of(found)
    with temporary_folder(str(folder.parent)) as aside:
        made = aside / "snapshot"
        shutil.copytree(CONFIGURATIONS / kind.folder, made)
        _say_what_it_predicts(made / "scheduler/scheduler_config.json", found)
        for tokenizer in made.glob("tokenizer*"):
            clip_vocabulary.write(CONFIGURATIONS / "clip/merges.txt", tokenizer)
        pipeline = _read(file, made, kind, _dtype(found, kind))
        for part in kind.prefixes:
            network = getattr(pipeline, part)
            _require_all(file, found, kind, part, network)
            with guarded(unwritable):
                network.save_pretrained(made / part)
        _put(made, folder)


def _put(made: Path, folder: Path) -> None:
    """Give a finished snapshot its name, unless another process was faster, which may be reading its own by now."""
    if layout.missing(folder):
        remove_folder(folder)
        try:
            os.replace(made, folder)
        except OSError:
            if layout.missing(folder):
                raise


def _say_what_it_predicts(file: Path, found: Mapping[str, Described]) -> None:
    """By the marks of fine-tuning tools: a tensor ``v_pred``, and ``ztsnr`` for zero terminal SNR."""
    if "v_pred" in found:
        config = read_json(file) | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": "ztsnr" in found}
        write_atomically(file, json.dumps(config, indent=2).encode())


def _dtype(found: Mapping[str, Described], kind: Kind) -> torch.dtype:
    """The precision of the weights: the widest, so that nothing is lost."""
    import torch

    numbers = {found[key].kind for key in found if kind.is_weight(key)} - {"I64", "I32"}
    narrow = {frozenset({"F16"}): torch.float16, frozenset({"BF16"}): torch.bfloat16}
    return narrow.get(frozenset(numbers), torch.float32)


def _read(file: Path, configurations: Path, kind: Kind, dtype: torch.dtype) -> Any:
    """The model as a pipeline of diffusers, which asks no hub for anything."""
    import diffusers

    surplus: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
    if kind is STABLE_DIFFUSION_XL:
        surplus = {"image_encoder": None, "feature_extractor": None, "add_watermarker": False}

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{file} cannot be converted: {reason}", _ANOTHER)

    with guarded(refuse):
        return getattr(diffusers, kind.pipeline).from_single_file(
            str(file), config=str(configurations), local_files_only=True, dtype=dtype, **surplus
        )


def _require_all(file: Path, found: Mapping[str, Described], kind: Kind, part: str, network: Any) -> None:
    """Raise ModelError unless the network has as many weights, and as many numbers, as the file has for it.

    The conversion renames and reshapes weights, leaves out in silence those that it does not know, and fills in others.
    """
    made = [tuple(tensor.shape) for tensor in network.state_dict().values()]
    there, wanted = kind.count(found, part), (len(made), sum(map(math.prod, made)))
    if there != wanted:
        raise ModelError(
            f"{file} cannot be converted: its {part} has {there[0]} weights of {there[1]:,} numbers, and "
            f"that of {kind.name} has {wanted[0]} of {wanted[1]:,}",
            _ANOTHER,
        )
