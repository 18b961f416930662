"""Attention kernels: which of them work on a device, and setting one in a UNet.

A kernel counts as working only if it computes a small attention correctly. That a package can be imported, or that
torch has a switch for a kernel, is no proof: an xformers wheel built for another torch imports, and has no kernels.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError, said

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Attend = Callable[[Tensor, Tensor, Tensor], Tensor]

INSTALL_XFORMERS = "pip install 'genie-cli[xformers]'"

# Batch, heads, tokens, channels per head. Heads and channels are those of SD1.5's largest layers (320 channels).
_SHAPE = (2, 8, 64, 40)
# The largest error observed: 0.003 in bfloat16, 0.0004 in float16. A kernel that returns zeros has an error of 1.1.
_TOLERANCE = 0.02
_SLICE_SIZE = 8  # heads computed at once: in SD1.5 all heads of one row, so that memory does not grow with the batch
# Parts of torch's warnings that are about the kernels that were switched off to test one, or that are headlines.
_IRRELEVANT = ("runtime disabled", "not used because")


@dataclass(frozen=True)
class Kernel:
    """An attention kernel, tested on a device in a precision.

    Attributes:
        name: ``"flash"``, ``"efficient"``, ``"cudnn"`` or ``"math"``, which belong to torch, or ``"xformers"``.
        works: whether it ran and its result was correct.
        reason: one line: why it does not work, or, if it does, its warnings.
    """

    name: str
    works: bool
    reason: str = ""


def kernels(device: torch.device, dtype: torch.dtype) -> tuple[Kernel, ...]:
    """Test every kernel on ``device`` in precision ``dtype``. Raises no errors and shows no warnings."""
    own = [_test(name, attend, device, dtype) for name, attend in _torch_kernels().items()]
    return (*own, _xformers(device, dtype))


def use(choice: str, unet: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Set how a UNet computes attention, by its attention processors.

    (Its method `set_attention_backend` has no effect on Stable Diffusion 1.x.)

    Args:
        choice: ``"sdpa"`` (torch's scaled_dot_product_attention), ``"xformers"`` or ``"sliced"``.
        unet: a diffusers UNet2DConditionModel.
        device, dtype: where and in which precision it runs.

    Raises:
        ModelError: the choice does not work on this device in this precision. There is no fallback.
    """
    from diffusers.models import attention_processor as processors

    _require(choice, device, dtype)
    unet.set_attn_processor(
        {
            "sdpa": processors.AttnProcessor2_0,
            "xformers": processors.XFormersAttnProcessor,
            "sliced": lambda: processors.SlicedAttnProcessor(_SLICE_SIZE),
        }[choice]()
    )


def _require(choice: str, device: torch.device, dtype: torch.dtype) -> None:
    """Raise ModelError if the choice does not work. Sliced attention needs no test: it is matrix products only."""
    if choice == "sliced":
        return
    kernel = _xformers(device, dtype) if choice == "xformers" else _torch_own(device, dtype)
    if not kernel.works:
        other = "leave out --attention" if choice == "xformers" else "use --attention sliced"
        raise ModelError(
            f"--attention {choice} does not work on {device} in {str(dtype).removeprefix('torch.')}: {kernel.reason}",
            f"{other}; genie doctor shows what works here",
        )


def _torch_own(device: torch.device, dtype: torch.dtype) -> Kernel:
    """Test the kernel that torch selects by itself: it will select the same one in the UNet."""
    from torch.nn.functional import scaled_dot_product_attention

    return _test("sdpa", scaled_dot_product_attention, device, dtype)


def _torch_kernels() -> dict[str, Attend]:
    """Attention functions that are each restricted to one of torch's kernels, by the kernel's name."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    def only(backend: SDPBackend) -> Attend:
        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            try:
                with sdpa_kernel(backend):
                    return scaled_dot_product_attention(query, key, value)
            except RuntimeError as error:
                # torch says that all kernels are switched off. The one under test is on, but lacks this case.
                if not str(error).startswith(("No viable backend", "No available kernel")):
                    raise
                raise RuntimeError(f"torch has no such kernel for {query.dtype} on {query.device.type}") from None

        return attend

    return {
        "flash": only(SDPBackend.FLASH_ATTENTION),
        "efficient": only(SDPBackend.EFFICIENT_ATTENTION),
        "cudnn": only(SDPBackend.CUDNN_ATTENTION),
        "math": only(SDPBackend.MATH),
    }


def _xformers(device: torch.device, dtype: torch.dtype) -> Kernel:
    """Import xformers, and test its kernel."""
    import torch

    try:
        with _silence():
            ops = _load_xformers()
    except Exception as error:  # a broken wheel fails in many ways: ImportError, OSError, AttributeError, ...
        missing = isinstance(error, ModuleNotFoundError) and error.name in ("xformers", "xformers.ops")
        reason = "it is not installed" if missing else _reason(error)
        remedy = f"install a wheel built for torch {torch.__version__}: {INSTALL_XFORMERS}"
        return Kernel("xformers", False, f"{reason}; {remedy}")

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # xformers expects tokens before heads: (batch, tokens, heads, channels).
        transposed = (tensor.transpose(1, 2) for tensor in (query, key, value))
        result: Tensor = ops.memory_efficient_attention(*transposed)
        return result.transpose(1, 2)

    return _test("xformers", attend, device, dtype)


def _load_xformers() -> Any:
    """The module ``xformers.ops``; raises ImportError if the package or its compiled library cannot be loaded."""
    import xformers.ops
    from xformers import _cpp_lib

    # Without its compiled library xformers still imports, and silently uses torch's kernels instead.
    failure = getattr(_cpp_lib, "_cpp_library_load_exception", None)
    if failure is not None:
        # The message is "xFormers can't load ... was built for:", followed by a line that names the torch version.
        raise ImportError(" ".join(line.strip() for line in str(failure).splitlines()[:2]))
    return xformers.ops


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress the warnings and the page of log messages that importing xformers can cause."""
    logger = logging.getLogger("xformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _test(name: str, attend: Attend, device: torch.device, dtype: torch.dtype) -> Kernel:
    """Run ``attend`` once, and compare its result with the definition of attention."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            error = _error_of(attend, device, dtype)
        except Exception as failure:  # kernels fail in many ways, and each is a reason
            return Kernel(name, False, _relevant(caught) or _reason(failure))
    if not error <= _TOLERANCE:  # this way round, so that not-a-number fails
        return Kernel(name, False, f"its result is wrong by {error:.2g}")
    return Kernel(name, True, _relevant(caught))


def _error_of(attend: Attend, device: torch.device, dtype: torch.dtype) -> float:
    """The largest absolute difference between ``attend`` and softmax(q k^T / sqrt(channels)) v."""
    import torch

    # A separate generator, so that testing does not change the global random state.
    random = torch.Generator().manual_seed(0)
    query, key, value = torch.randn((3, *_SHAPE), generator=random).to(device, dtype)
    result = attend(query, key, value).float()
    scores = query.float() @ key.float().transpose(-1, -2) / _SHAPE[-1] ** 0.5
    return float((result - scores.softmax(-1) @ value.float()).abs().max())


def _relevant(caught: list[warnings.WarningMessage]) -> str:
    """The warnings that are about the tested kernel, in one line."""
    texts = [str(warning.message).partition(" (Triggered internally")[0].strip() for warning in caught]
    kept = [text for text in texts if not any(part in text for part in _IRRELEVANT)]
    return "; ".join(" ".join(text.split()) for text in dict.fromkeys(kept))


def _reason(error: Exception) -> str:
    """An error in one line: what xformers lists as the causes for its first kernel, else the message's first line."""
    _, _, causes = str(error).partition("not supported because:")
    if causes:
        return "; ".join(line.strip() for line in causes.partition("\n`")[0].strip().splitlines())
    return said(error).rstrip(":. ")
