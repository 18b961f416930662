"""Views for the encoder: what may change about a picture of a digit without its becoming another digit.

A view is warped, recoloured, inverted, blurred, noisy, and mixed with a bit of another picture. Whole batches
at once: torchvision's transforms draw one set of numbers a batch, and here every picture needs its own.
"""

import math

import torch
from torch.nn import functional

_GREY = torch.tensor([0.299, 0.587, 0.114])


def view(images: torch.Tensor) -> torch.Tensor:
    """Another look at each of ``images``, (N, 3, H, W) in [-1, 1]."""
    return _noise(_blur(_invert(_recolour(_mix(_warp(images)))))).clamp(-1, 1)


def turned(images: torch.Tensor, how: torch.Tensor) -> torch.Tensor:
    """Each square image under one of the eight symmetries of the square; ``how``: (N,), 0..7.

    Turned, a digit is another shape: the few base digits become eight times as many different marks.
    """
    result = images.clone()
    for symmetry in range(1, 8):
        chosen = how == symmetry
        turned = torch.rot90(images[chosen], symmetry % 4, (2, 3))
        result[chosen] = turned.flip(3) if symmetry >= 4 else turned
    return result


def _warp(images: torch.Tensor) -> torch.Tensor:
    """Turned by up to 15 degrees, sheared, 0.8 to 1.3 times as large, shifted by up to 2 of 32 pixels."""
    count = len(images)
    angle, shear = _uniform(count, -math.pi / 12, math.pi / 12), _uniform(count, -0.2, 0.2)
    wide, high = (_uniform(count, 0.78, 1.2) for _ in range(2))
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0], affine[:, 0, 1] = angle.cos() * wide, (shear - angle.sin()) * wide
    affine[:, 1, 0], affine[:, 1, 1] = angle.sin() * high, angle.cos() * high
    affine[:, :, 2] = _uniform(count, -0.13, 0.13, 2)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False).to(images.device)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _mix(images: torch.Tensor) -> torch.Tensor:
    """Half of them with up to a third of their neighbour shining through."""
    share = _uniform(len(images), 0, 0.35, 1, 1, 1) * _coin(len(images), 0.5)
    share = share.to(images.device)
    return (1 - share) * images + share * images.roll(1, 0).flip(3)


def _recolour(images: torch.Tensor) -> torch.Tensor:
    """Channels mixed at random or all grey, then another brightness and contrast."""
    count = len(images)
    mixing = torch.eye(3) + _uniform(count, -0.5, 0.5, 3, 3) * _coin(count, 0.8)[..., 0]
    mixing = mixing / mixing.sum(2, keepdim=True).clamp(min=0.4)
    mixing = torch.where(_coin(count, 0.3)[..., 0] > 0, _GREY.expand(3, 3), mixing)
    gain, shift = _uniform(count, 0.6, 1.4, 1, 1, 1), _uniform(count, -0.3, 0.3, 1, 1, 1)
    coloured = torch.einsum("nij,njhw->nihw", mixing.to(images.device), images)
    return coloured * gain.to(images.device) + shift.to(images.device)


def _invert(images: torch.Tensor) -> torch.Tensor:
    return images * (1 - 2 * _coin(len(images), 0.5)).to(images.device)


def _blur(images: torch.Tensor) -> torch.Tensor:
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line).expand(3, 1, 3, 3).to(images.device)
    blurred = functional.conv2d(functional.pad(images, (1, 1, 1, 1), mode="reflect"), kernel, groups=3)
    return torch.where(_coin(len(images), 0.3).to(images.device) > 0, blurred, images)


def _noise(images: torch.Tensor) -> torch.Tensor:
    strength = _uniform(len(images), 0, 0.15, 1, 1, 1).to(images.device)
    return images + torch.randn_like(images) * strength


def _uniform(count: int, low: float, high: float, *shape: int) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, *shape)


def _coin(count: int, chance: float) -> torch.Tensor:
    return (torch.rand(count, 1, 1, 1) < chance).float()
