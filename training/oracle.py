"""Stage 4: the oracle, a small classifier trained on real samples of the training split.

Generated images have gone through a VAE and are slightly less sharp than real ones. A third of the training images are
therefore slightly blurred, so that the oracle judges the digit and not the sharpness.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from torchvision.transforms import v2

from genie_cli.backbones.digits import oracle
from training.loop import DEVICE, Schedule, fit
from training.samples import painted

SCHEDULE = Schedule(steps=2500, batch=64, learning_rate=2e-3, weight_decay=0.05)


def train(out: Path, schedule: Schedule = SCHEDULE) -> None:
    """Train and save to the safetensors file ``out``, in float16."""
    torch.manual_seed(2)
    images, labels, _ = painted("train", 40_000)
    network = oracle().to(DEVICE)
    augment = v2.Compose(
        [
            v2.RandomAffine(8, translate=(0.06, 0.06), scale=(0.9, 1.1)),
            v2.RandomApply([v2.GaussianBlur(3, (0.3, 0.9))], p=0.33),
        ]
    )

    def compute_loss() -> torch.Tensor:
        chosen = torch.randint(len(images), (schedule.batch,))
        return cross_entropy(
            network(augment(images[chosen].to(DEVICE))), labels[chosen].to(DEVICE), label_smoothing=0.05
        )

    fit("oracle", network.parameters(), compute_loss, schedule, out.with_suffix(".json"))
    tensors = {name: (t.half() if t.is_floating_point() else t).cpu() for name, t in network.state_dict().items()}
    save_file(tensors, out)
