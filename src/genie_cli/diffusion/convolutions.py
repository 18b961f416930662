"""Convolutions on a GPU whose results do not depend on a row's place in the batch.

cuDNN computes some convolutions by dividing all sums of the batch into shares of equal length ("segment k"). Where a
sum is cut then depends on where its row lies, and with it how it is rounded. Such convolutions, and only they, are
computed as matrix products instead: of Stable Diffusion 1.5's 98, with 32 rows on an H200, those of 16 x 16 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class _Form(NamedTuple):
    """What decides how a convolution is computed.

    Attributes:
        given, weight: shapes.
        stride, padding: the layer's.
        dtype: of its input.
        channels_last: whether its input, and whether its weights are in that order.
    """

    given: tuple[int, ...]
    weight: tuple[int, ...]
    stride: Any
    padding: Any
    dtype: torch.dtype
    channels_last: tuple[bool, bool]

    @classmethod
    def of(cls, layer: Any, given: Tensor) -> _Form:
        """That of a layer with an input."""
        import torch

        orders = [each.is_contiguous(memory_format=torch.channels_last) for each in (given, layer.weight)]
        shapes = tuple(given.shape), tuple(layer.weight.shape)
        return cls(*shapes, layer.stride, layer.padding, given.dtype, (orders[0], orders[1]))


def use(network: Any, run: Callable[[], object]) -> None:
    """Make rows independent of their place in a batch, as far as a network's convolutions are concerned.

    Each convolution is tried out, in the shape that it has in the batch, with random rows at two places.

    Args:
        network: any module. What was chosen for a batch of another shape is chosen again.
        run: calls the network with a batch of the shape that it will have. What is compiled of it must not be called.
    """
    import torch

    forms: dict[Any, _Form] = {}
    for layer in network.modules():
        if type(layer) is product_conv():
            layer.__class__ = torch.nn.Conv2d
    hooks = [
        layer.register_forward_pre_hook(lambda each, given: forms.update({each: _Form.of(each, *given)}))
        for layer in network.modules()
        if type(layer) is torch.nn.Conv2d and _is_plain(layer)
    ]
    try:
        with torch.inference_mode():
            run()
    finally:  # memory may run out
        for hook in hooks:
            hook.remove()
    dependent: dict[_Form, bool] = {}
    for layer, form in forms.items():
        if form not in dependent:
            dependent[form] = _depends_on_place(layer, form)
        if dependent[form]:
            layer.__class__ = product_conv()  # keeps its weights where they are


def _is_plain(layer: Any) -> bool:
    """Whether it is one that `product_conv` computes, as all of Stable Diffusion's are."""
    plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    return plain and not isinstance(layer.padding, str)


def _depends_on_place(layer: Any, form: _Form) -> bool:
    """Whether rows that all move by one place have other results. Takes no more memory than the largest layers do."""
    import torch

    device, order = layer.weight.device, torch.channels_last if form.channels_last[0] else torch.contiguous_format
    generator = torch.Generator(device).manual_seed(0)
    rows = torch.randn(form.given, generator=generator, device=device, dtype=form.dtype)
    rows = rows.contiguous(memory_format=order)
    with torch.inference_mode():
        found = layer(rows)
        rows = torch.cat([rows[-1:], rows[:-1]])
        moved = layer(rows)
    return not (torch.equal(moved[1:], found[:-1]) and torch.equal(moved[0], found[-1]))


@cache
def product_conv() -> Any:
    """The class of a `torch.nn.Conv2d` of one group, without dilation and padded with zeros, as a matrix product."""
    import torch
    from torch.nn import functional

    class ProductConv2d(torch.nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch calls it
            (high, wide), (down, right) = self.kernel_size, self.stride
            above, beside = cast("tuple[int, int]", self.padding)
            padded = functional.pad(input.permute(0, 2, 3, 1), (0, 0, beside, beside, above, above))
            end_y, end_x = padded.shape[1] - high + 1, padded.shape[2] - wide + 1
            starts = [(y, x) for y in range(high) for x in range(wide)]
            windows = [padded[:, y : y + end_y : down, x : x + end_x : right] for y, x in starts]
            patches = torch.stack(windows, dim=3).flatten(3)  # (N, H, W, kernel height x kernel width x C)
            weight = self.weight.permute(0, 2, 3, 1).flatten(1)
            found: Tensor = functional.linear(patches, weight, self.bias).permute(0, 3, 1, 2)
            return found

    return ProductConv2d
