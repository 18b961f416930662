"""Samples of `DigitsInTheWild` as tensors, rendered once by several processes and kept in memory."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import torch

from genie_cli.data.digits import DigitsInTheWild, Split


def _paint(indices: range, split: Split) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    samples = [DigitsInTheWild(split)[i] for i in indices]
    return (
        np.stack([s.image for s in samples]),
        np.array([s.label for s in samples]),
        np.stack([s.mask for s in samples]).astype(np.float32),
    )


def painted(split: Split, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The first ``count`` samples: images (N, 3, 32, 32) in [-1, 1], labels (N,), ink masks (N, 32, 32) in 0..1."""
    chunks = [range(start, min(start + 500, count)) for start in range(0, count, 500)]
    with ProcessPoolExecutor() as pool:
        images, labels, masks = zip(*pool.map(partial(_paint, split=split), chunks), strict=True)
    pixels = torch.from_numpy(np.concatenate(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pixels, torch.from_numpy(np.concatenate(labels)), torch.from_numpy(np.concatenate(masks))
