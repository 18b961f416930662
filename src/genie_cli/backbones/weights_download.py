"""Says how much of a timm model is to be downloaded from the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence

from genie_cli.backbones import model_folder
from genie_cli.diffusion import downloads
from genie_cli.diffusion.hub_calls import HubCalls
from genie_cli.observer import Observer


def announce(name: str, call: HubCalls, observer: Observer) -> None:
    """Tell the observer which weights of a model are to be downloaded, if any.

    Args:
        name: timm model name, or ``hf-hub:owner/name``.
        call: calls the hub.

    Raises:
        Exception: the hub cannot be reached, or is out of order.
    """
    of_hub = name.startswith(model_folder.HUB)
    where, files = (name, model_folder.WEIGHTS) if of_hub else _of_timm(name)
    owned, revision = model_folder.repository(where)
    if not owned or any(downloads.in_cache(owned, revision, file) for file in files):
        return

    def choose(listed: Sequence[str]) -> Sequence[str]:
        weights = [file for file in files if file in listed][:1]
        return ["config.json", *weights] if of_hub and "config.json" in listed else weights

    sizes = call(lambda: downloads.missing_sizes(owned, revision, choose))
    downloads.announce(owned, sizes, observer)


def _of_timm(name: str) -> tuple[str, Sequence[str]]:
    """Where timm's weights of a model are at the hub, ``""`` if nowhere; and files, of which timm takes the first."""
    import timm

    found = timm.models.get_pretrained_cfg(name)
    stated = found.hf_hub_filename if found else None
    files = (stated.removesuffix(".bin") + ".safetensors", stated) if stated else model_folder.WEIGHTS
    return str((found and found.hf_hub_id) or ""), files
