"""What suits a data set that is too small for LiVT's recipe, which was made for 115,846 images."""

from __future__ import annotations

from typing import Any

from genie_cli.config import LongTail, Settings
from genie_cli.observer import Observer
from genie_cli.settings import is_set, with_defaults

NETWORK = "resnet18"  # learns from random weights on few images, which a vision transformer does not
_LEAST_STEPS = 8  # optimizer steps of an epoch


def fitted(settings: Settings, images: int, observer: Observer, *, has_checkpoint: bool) -> Settings:
    """Settings with a batch that a small data set can fill, and a network that it can train.

    What anybody has set stays. A data set that fills LiVT's batch eight times in an epoch gets LiVT's recipe.

    Args:
        images: number of training images.
        observer: is told what was chosen.
        has_checkpoint: training starts from given weights, which say what the network is.
    """
    if images >= LongTail().batch * _LEAST_STEPS:
        return settings
    chosen: dict[str, Any] = {"longtail.batch": max(2, 1 << (max(images // _LEAST_STEPS, 1).bit_length() - 1))}
    if not has_checkpoint:
        chosen |= {"longtail.network": NETWORK, "longtail.layer_decay": 1.0}  # no layer is pretrained
    if is_set(settings, "longtail.network"):
        chosen = {"longtail.batch": chosen["longtail.batch"]}
    found = with_defaults(settings, chosen)
    if found != settings:
        recipe = found.longtail
        observer.found(
            f"{images} training images are few for LiVT's recipe: {recipe.network} is trained in batches of "
            f"{recipe.batch}; --network and --batch choose others"
        )
    return found
