"""Which attention kernels really run on a device: each is proved by a tiny attention, not by asking for its name.

That a package imports, or that a switch exists, says nothing: an xformers wheel beside another torch imports
and has no kernels. What was chosen is put into a UNet here, too, once it is proved. This module does not know the
slots or the CLI.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Attend = Callable[[Tensor, Tensor, Tensor], Tensor]

INSTALL_XFORMERS = "pip install 'genie-cli[xformers]'"

# Batch, heads, tokens, width of a head. Heads and width are those of SD1.5's largest layers (320 channels).
_SHAPE = (2, 8, 64, 40)
# The largest error seen: 0.003 in bfloat16, 0.0004 in float16; a kernel that returns zeros errs by 1.1.
_TOLERANCE = 0.02
_HEADS_IN_SLICE = 8  # one row's, in SD1.5: the table of scores is then no larger than one row's
# Beside the asked kernel's reason, torch warns about the kernels we switched off ourselves, and with headlines.
_NOISE = ("runtime disabled", "not used because")


@dataclass(frozen=True)
class Kernel:
    """One way to compute attention.

    Attributes:
        name: ``"flash"``, ``"efficient"``, ``"cudnn"``, ``"math"`` (torch's own) or ``"xformers"``.
        works: it ran on this device in this precision, and its result was right.
        reason: why it does not work, in one line; what it warned about if it does.
    """

    name: str
    works: bool
    reason: str = ""


def kernels(device: torch.device, dtype: torch.dtype) -> tuple[Kernel, ...]:
    """Every kernel, tried on ``device`` with ``dtype``; raises nothing and lets no warning through."""
    own = [_prove(name, attend, device, dtype) for name, attend in _torch_kernels().items()]
    return (*own, _xformers(device, dtype))


def use(choice: str, unet: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Compute the UNet's attention as chosen: ``"sdpa"`` (torch's), ``"xformers"`` or ``"sliced"``.

    The UNet's own `set_attention_backend` does nothing for Stable Diffusion 1.x, so its processors are set.

    Raises:
        ModelError: the choice does not run on this device in this precision. No other is taken in its place.
    """
    from diffusers.models import attention_processor as processors

    _require(choice, device, dtype)
    unet.set_attn_processor(
        {
            "sdpa": processors.AttnProcessor2_0,
            "xformers": processors.XFormersAttnProcessor,
            "sliced": lambda: processors.SlicedAttnProcessor(_HEADS_IN_SLICE),
        }[choice]()
    )


def _require(choice: str, device: torch.device, dtype: torch.dtype) -> None:
    """Raise ModelError if the choice has no kernel that runs; sliced attention is products, as the UNet's others."""
    if choice == "sliced":
        return
    kernel = _xformers(device, dtype) if choice == "xformers" else _torch_own(device, dtype)
    if not kernel.works:
        other = "leave out --attention" if choice == "xformers" else "take --attention sliced"
        raise ModelError(
            f"--attention {choice} does not run on {device} in {str(dtype).removeprefix('torch.')}: {kernel.reason}",
            f"{other}; genie doctor shows what runs here",
        )


def _torch_own(device: torch.device, dtype: torch.dtype) -> Kernel:
    """Whichever kernel torch takes: that another would be right helps nobody."""
    from torch.nn.functional import scaled_dot_product_attention

    return _prove("sdpa", scaled_dot_product_attention, device, dtype)


def _torch_kernels() -> dict[str, Attend]:
    """torch's kernels by name, each an attention that may use no other."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention

    def only(backend: SDPBackend) -> Attend:
        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            try:
                with sdpa_kernel(backend):
                    return scaled_dot_product_attention(query, key, value)
            except RuntimeError as error:
                # torch's words: that all kernels are off. The one that was asked for is on, and cannot do this.
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
    import torch

    try:
        with _silence():
            ops = _load_xformers()
    except Exception as error:  # a broken wheel fails in many ways: ImportError, OSError, AttributeError, ...
        remedy = f"install a wheel built for torch {torch.__version__}: {INSTALL_XFORMERS}"
        return Kernel("xformers", False, f"{_first_words(error)}; {remedy}")

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # xformers has tokens before heads: (batch, tokens, heads, width).
        turned = (tensor.transpose(1, 2) for tensor in (query, key, value))
        result: Tensor = ops.memory_efficient_attention(*turned)
        return result.transpose(1, 2)

    return _prove("xformers", attend, device, dtype)


def _load_xformers() -> Any:
    """``xformers.ops``; ``ImportError`` if the package or its compiled kernels do not load."""
    import xformers.ops
    from xformers import _cpp_lib

    # Without its own library xformers still imports, and hands the work to torch's kernels: whoever asks for
    # xformers would be served something else without a word.
    failure = getattr(_cpp_lib, "_cpp_library_load_exception", None)
    if failure is not None:
        # "xFormers can't load ... was built for:", then a line that says for which torch.
        raise ImportError(" ".join(line.strip() for line in str(failure).splitlines()[:2]))
    return xformers.ops


@contextmanager
def _silence() -> Iterator[None]:
    """Keep back what importing xformers warns about and logs (a page, to stderr)."""
    logger = logging.getLogger("xformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _prove(name: str, attend: Attend, device: torch.device, dtype: torch.dtype) -> Kernel:
    """Run ``attend`` once and compare with the formula."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            error = _error_of(attend, device, dtype)
        except Exception as failure:  # whatever a kernel dies of is the answer here
            return Kernel(name, False, _heard_words(heard) or _first_words(failure))
    if not error <= _TOLERANCE:  # so that not-a-number fails
        return Kernel(name, False, f"its result is wrong by {error:.2g}")
    return Kernel(name, True, _heard_words(heard))


def _error_of(attend: Attend, device: torch.device, dtype: torch.dtype) -> float:
    """The largest difference between ``attend`` and softmax(q k' / sqrt(width)) v."""
    import torch

    # A generator of our own: looking must not move the global random state.
    random = torch.Generator().manual_seed(0)
    query, key, value = torch.randn((3, *_SHAPE), generator=random).to(device, dtype)
    result = attend(query, key, value).float()
    scores = query.float() @ key.float().transpose(-1, -2) / _SHAPE[-1] ** 0.5
    return float((result - scores.softmax(-1) @ value.float()).abs().max())


def _heard_words(heard: list[warnings.WarningMessage]) -> str:
    """The warnings that say something about the kernel asked for, in one line."""
    texts = [str(warning.message).partition(" (Triggered internally")[0].strip() for warning in heard]
    told = [text for text in texts if not any(noise in text for noise in _NOISE)]
    return "; ".join(" ".join(text.split()) for text in dict.fromkeys(told))


def _first_words(error: Exception) -> str:
    """What an error says first: the causes that xformers lists for its first kernel, else the first line."""
    text = str(error).strip() or type(error).__name__
    _, _, causes = text.partition("not supported because:")
    if causes:
        return "; ".join(line.strip() for line in causes.partition("\n`")[0].strip().splitlines())
    return text.splitlines()[0].rstrip(":. ")
