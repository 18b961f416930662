"""What the trainings of a long-tailed benchmark would take, estimated by a few training steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genie_cli.longtail.trainings import Trainings


@dataclass(frozen=True)
class TrainingCost:
    """An estimate.

    Attributes:
        trainings: number of trainings.
        epochs: of each training.
        real_images: number of real training images.
        added: number of images that each augmentation adds, by label.
        optimizer_steps: of all trainings together.
        batch: images per optimizer step, over all devices.
        micro_batch: images per forward pass on one device.
        network: timm's name.
        parameters: number of the network's parameters.
        memory: bytes needed on ``device``.
        seconds: of all optimizer steps; loading images may take longer than these.
    """

    trainings: int
    epochs: int
    real_images: int
    added: Mapping[str, int]
    optimizer_steps: int
    batch: int
    micro_batch: int
    network: str
    parameters: int
    memory: int
    device: str
    seconds: float

    @classmethod
    def of(cls, trainings: Trainings, added: Mapping[str, int]) -> TrainingCost:
        """Estimate; builds the network and takes a few training steps with random images.

        Args:
            added: number of images that each augmentation adds, by label.

        Raises:
            ModelError: not even a few images fit into the device's memory.
        """
        from genie_cli.backbones.trainable import build
        from genie_cli.finetune.cost import measure

        recipe, real, accelerator = trainings.recipe, len(trainings.dataset.train), trainings.accelerator
        micro_batch = recipe.batch // (recipe.gradient_accumulation_steps * accelerator.num_processes)
        network = build(trainings.network)
        measured = measure(network, trainings.preprocess.size, micro_batch, accelerator)
        steps = len(recipe.seeds) * sum(trainings.optimizer_steps(real + more) for more in added.values())
        return cls(
            trainings=len(added) * len(recipe.seeds),
            epochs=recipe.epochs,
            real_images=real,
            added=dict(added),
            optimizer_steps=steps,
            batch=recipe.batch,
            micro_batch=micro_batch,
            network=recipe.network,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            memory=measured.memory,
            device=str(accelerator.device),
            seconds=steps * recipe.gradient_accumulation_steps * measured.seconds,
        )
