"""A UNet on a CPU as code that is compiled once for the shapes of its inputs; a later run reads it from genie's cache.

Torch's AOTInductor writes such code without the weights, which are those of the loaded UNet. What torch.compile keeps
has to be traced again in every process, which takes longer than a few hundred images of a small model gain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from genie_cli import processor
from genie_cli.diffusion.libraries import guarded, quiet
from genie_cli.errors import ModelError, OutputError
from genie_cli.files.writing import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

_TOLERANCE = {4: 1e-3, 2: 0.1}  # of the largest value, by bytes per number: what compiled code may round differently


class CompiledUNet:
    """The ``forward`` of a diffusers UNet2DConditionModel, compiled at the first call with inputs of new shapes.

    Args:
        unet: the UNet, on a CPU; its weights must not be replaced any more.
        folder: where code is kept; need not exist. Where nothing can be written, code is compiled in every run.
    """

    def __init__(self, unet: Any, folder: Path) -> None:
        self._unet, self._folder = unet, folder
        self._code: dict[tuple[Any, ...], Callable[..., Any]] = {}  # by the shapes of its inputs

    def __call__(self, sample: Tensor, timestep: Tensor, **inputs: Any) -> Any:
        """What `UNet2DConditionModel.forward` returns, as one of its output objects.

        Raises:
            ModelError: torch cannot compile the UNet here, or its code computes wrong results.
        """
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

        shapes = _shapes((sample, timestep, inputs))
        if shapes not in self._code:
            path = self._folder / f"{self._key(shapes)}.pt2"
            self._code[shapes] = self._read(path) or self._compile(path, sample, timestep, inputs)
        return UNet2DConditionOutput(sample=self._code[shapes](sample, timestep, **inputs))

    def _key(self, shapes: tuple[Any, ...]) -> str:
        """Everything that decides the code: the network, its inputs, the library, the processor and its threads."""
        import diffusers
        import torch

        decides = [
            {name: value for name, value in self._unet.config.items() if not name.startswith("_")},
            shapes,
            sorted({type(each).__name__ for each in (*self._unet.modules(), *self._unet.attn_processors.values())}),
            [torch.__version__, diffusers.__version__, torch.get_num_threads(), processor.description()],
        ]
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()

    def _read(self, path: Path) -> Callable[..., Any] | None:
        """The code in a file; None if there is none that can be used, as it can be compiled again."""
        if not path.is_file():
            return None
        try:
            with quiet():
                return self._load(path)
        except Exception:  # torch raises many kinds of errors on a damaged file
            return None

    def _load(self, path: Path) -> Callable[..., Any]:
        from torch._inductor import aoti_load_package

        code = aoti_load_package(str(path))
        weights = {f"unet.{name}": tensor for name, tensor in self._unet.state_dict(keep_vars=True).items()}
        used = {name: weights[name] for name in code.get_constant_fqns()}
        code.load_constants(used, check_full_update=True, user_managed=True)
        return code

    def _compile(self, path: Path, sample: Tensor, timestep: Tensor, inputs: dict[str, Any]) -> Callable[..., Any]:
        """Compile for inputs like these, compare with the UNet itself, and keep the code."""
        import torch
        from torch.utils._pytree import tree_map

        def refuse(reason: str) -> ModelError:
            return ModelError(f"--compile full does not work here; torch says: {reason}", "use --compile off")

        # Tensors of inference mode, in which the engine runs, cannot be exported.
        with torch.inference_mode(False), torch.no_grad(), TemporaryDirectory() as folder, guarded(refuse):
            like = tree_map(torch.clone, ((sample, timestep), inputs))
            exported = torch.export.export(_of_tensors(self._unet), *like, strict=False)
            written = torch._inductor.aoti_compile_and_package(
                exported,
                package_path=f"{folder}/unet.pt2",
                inductor_configs={"aot_inductor.package_constants_in_so": False},
            )
            code = self._load(Path(written))
            wanted = _of_tensors(self._unet)(*like[0], **like[1])
            if not torch.allclose(code(*like[0], **like[1]), wanted, rtol=0, atol=_tolerance(wanted)):
                raise ModelError("--compile full does not work here: its results are wrong", "use --compile off")
            content = Path(written).read_bytes()
        with suppress(OSError, OutputError):  # it is compiled again by the next run
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        return code


def _shapes(inputs: Any) -> tuple[Any, ...]:
    """Where each tensor stands in the inputs, and its shape, strides and precision."""
    from torch.utils._pytree import tree_flatten_with_path

    tensors, _ = tree_flatten_with_path(inputs)
    return tuple((path, each.shape, each.stride(), each.dtype) for path, each in tensors)


def _of_tensors(unet: Any) -> Any:
    """The UNet, uncompiled, as a module whose result is a tensor."""
    import torch

    class OfTensors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unet = unet

        def forward(self, sample: Tensor, timestep: Tensor, **inputs: Any) -> Any:
            return type(unet).forward(unet, sample, timestep, **inputs, return_dict=False)[0]

    return OfTensors().eval()


def _tolerance(wanted: Tensor) -> float:
    return _TOLERANCE[wanted.dtype.itemsize] * float(wanted.abs().max())
