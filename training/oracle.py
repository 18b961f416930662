"""Stage 3: the oracle, a small classifier of real train-split samples, seen shifted, recoloured and blurred.

Generated images went through a VAE and are a little softer than real ones; the oracle must judge the digit,
not the sharpness, so a third of its training images are blurred a little.
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
    seen_as = v2.Compose(
        [
            v2.RandomAffine(8, translate=(0.06, 0.06), scale=(0.9, 1.1)),
            v2.RandomApply([v2.GaussianBlur(3, (0.3, 0.9))], p=0.33),
        ]
    )

    def loss_of() -> torch.Tensor:
        chosen = torch.randint(len(images), (schedule.batch,))
        return cross_entropy(
            network(seen_as(images[chosen].to(DEVICE))), labels[chosen].to(DEVICE), label_smoothing=0.05
        )

    fit("oracle", network.parameters(), loss_of, schedule, out.with_suffix(".json"))
    tensors = {name: (t.half() if t.is_floating_point() else t).cpu() for name, t in network.state_dict().items()}
    save_file(tensors, out)
