"""Linear layers of a UNet by oneDNN, on processors on which torch computes them with half of their arithmetic.

Torch multiplies matrices in float32 with Intel's MKL, which uses AVX-512 on Intel's own processors alone. On AMD's, its
products take twice as long as convolutions with as much arithmetic, which torch gives to oneDNN. The operator that is
used here is what torch.compile puts in a linear layer's place; a torch without it does as before.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from genie_cli.processor import mkl_is_slow

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def use(unet: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Have oneDNN compute a UNet's linear layers, if that is faster for this device and precision.

    Values differ as those of two libraries do: by 5e-7 of the largest, with the bundled model. Rows stay independent.
    """
    import torch

    by_mkl = device.type == "cpu" and dtype == torch.float32
    if by_mkl and mkl_is_slow() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        for layer in unet.modules():
            if type(layer) is torch.nn.Linear:
                layer.__class__ = one_dnn_linear()  # keeps its weights where they are


@cache
def one_dnn_linear() -> Any:
    """The class of a `torch.nn.Linear` on a CPU, in float32 and without gradients, that oneDNN computes."""
    import torch

    class OneDNNLinear(torch.nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch calls it
            found: Tensor = torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")
            return found

    return OneDNNLinear
