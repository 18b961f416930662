"""Training gives the same weights whether interrupted or not, on one device or two, however images are loaded."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genie_cli.backbones.backbone import Preprocess
from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.errors import ModelError, OutputError
from genie_cli.finetune.cost import _probe, measure
from genie_cli.finetune.state import Measured, TrainingState
from genie_cli.finetune.training import TrainingSpec, accelerator_for, train
from genie_cli.finetune.training_images import TrainingImage, seed_all
from genie_cli.observer import Observer

PREPROCESS = Preprocess(32, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic")
RECIPE = LongTail(
    network="test_vit", epochs=3, warmup_epochs=1, batch=8, base_lr=0.03, min_lr=1e-6, layer_decay=0.9, workers=0
)
Weights = Mapping[str, torch.Tensor]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("digits")
    DigitsInTheWild().save(root, 2)
    return root


def spec(root: Path, recipe: LongTail = RECIPE, seed: int = 0, epoch_images: int | None = None) -> TrainingSpec:
    sources = scan(root).sources
    labels = sorted({source.label for source in sources})
    images = [
        TrainingImage(root / s.path, s.sha256, np.eye(10, dtype=np.float32)[labels.index(s.label)]) for s in sources
    ]
    bias = torch.linspace(-1, 1, 10)
    return TrainingSpec(images, PREPROCESS, Crops(0.7, flip=False), recipe, bias, seed, epoch_images)


class Told(Observer):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def warning(self, message: str) -> None:
        self.words.append(message)


def trained(
    root: Path,
    folder: Path,
    recipe: LongTail = RECIPE,
    seed: int = 0,
    on_epoch: Any = None,
    told: Observer | None = None,
    epoch_images: int | None = None,
) -> Weights:
    folder.mkdir(exist_ok=True)
    seed_all(seed)
    network = build(NetworkSpec(recipe.network, 10, recipe.drop_path, 32))
    state = TrainingState(folder, {"seed": seed}, told)
    accelerator = accelerator_for(recipe, "cpu")
    train(network, spec(root, recipe, seed, epoch_images), accelerator, state, on_epoch or (lambda *_: None))
    if accelerator.is_main_process:
        state.finish(network, Measured({}))
    return dict(network.state_dict())


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("epoch_images", [None, 30])
def test_an_interrupted_training_ends_with_the_same_weights(
    root: Path, tmp_path: Path, epoch_images: int | None
) -> None:
    whole = trained(root, tmp_path / "whole", epoch_images=epoch_images)

    def killed(epoch: int, loss: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(root, tmp_path / "killed", on_epoch=killed, epoch_images=epoch_images)
    assert (tmp_path / "killed" / "state.pt").exists()
    torch.manual_seed(12345)  # a new process has other random numbers
    epochs: list[int] = []
    resumed = trained(
        root, tmp_path / "killed", on_epoch=lambda epoch, _: epochs.append(epoch), epoch_images=epoch_images
    )
    assert epochs == [3]
    assert same(whole, resumed)
    assert not (tmp_path / "killed" / "state.pt").exists()
    assert same(whole, load_file(tmp_path / "killed" / "network.safetensors"))


def test_so_does_one_whose_process_was_killed_while_it_saved(root: Path, tmp_path: Path) -> None:
    """Between writing the second state and giving it its name: all of it is there, under another one."""
    whole, killed = trained(root, tmp_path / "whole"), tmp_path / "killed"
    script = (
        "import os, sys; from pathlib import Path; from tests.finetune.test_training import trained\n"
        "replace, saved = os.replace, []\n"
        "def die(*names): saved.append(os.kill(os.getpid(), 9) if saved else replace(*names))\n"
        "os.replace = die\n"
        "trained(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(root), str(killed)]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[2]).returncode == -9
    assert len(list(killed.iterdir())) == 2
    TrainingState(killed, {"seed": 0}).clear(finished=False)
    assert [path.name for path in killed.iterdir()] == ["state.pt"]
    epochs: list[int] = []
    assert same(whole, trained(root, killed, on_epoch=lambda epoch, _: epochs.append(epoch)))
    assert epochs == [2, 3]
    assert sorted(path.name for path in killed.iterdir()) == ["network.safetensors", "result.json"]


@pytest.mark.parametrize("change", ["flipped", "epoch", "network", "optimizer", "earlier"])
def test_a_state_that_does_not_fit_is_not_resumed_from(root: Path, tmp_path: Path, change: str) -> None:
    whole, told = trained(root, tmp_path / "whole"), Told()

    def killed(epoch: int, loss: float) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(root, tmp_path / "run", on_epoch=killed)
    damage(tmp_path / "run", change)
    epochs: list[int] = []
    again = trained(root, tmp_path / "run", on_epoch=lambda epoch, _: epochs.append(epoch), told=told)
    assert epochs == [1, 2, 3]
    assert same(whole, again)
    (said,) = told.words
    assert said.startswith(str(tmp_path / "run/state.pt"))
    assert said.endswith(": this training starts again from its beginning")


def damage(folder: Path, change: str) -> None:
    """Change the state in a folder; all but the first kind keep a SHA-256 that fits."""
    state, file = TrainingState(folder, {"seed": 0}), folder / "state.pt"
    saved = state.load(torch.device("cpu"))
    assert saved
    if change == "flipped":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif change == "earlier":  # without its first line
        file.write_bytes(file.read_bytes().partition(b"\n")[2])
    elif change == "epoch":
        state.save(saved.model_copy(update={"epoch": 10**9}))
    elif change == "network":
        state.save(saved.model_copy(update={"network": dict(list(saved.network.items())[1:])}))
    else:
        other = {**saved.optimizer, "param_groups": saved.optimizer["param_groups"][1:]}
        state.save(saved.model_copy(update={"optimizer": other}))


def test_data_loading_processes_change_nothing(root: Path, tmp_path: Path) -> None:
    alone = trained(root, tmp_path / "0")
    assert same(alone, trained(root, tmp_path / "2", RECIPE.model_copy(update={"workers": 2})))


def test_a_data_loading_process_that_is_killed_is_reported(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system kills one for lack of memory."""
    monkeypatch.setattr("genie_cli.finetune.training_images.read", lambda *_: os.kill(os.getpid(), 9))
    with pytest.raises(ModelError, match="a data loading process has failed") as caught:
        trained(root, tmp_path / "run", RECIPE.model_copy(update={"workers": 1}))
    assert "--num-workers" in caught.value.hint


def test_seeds_differ(root: Path, tmp_path: Path) -> None:
    assert not same(trained(root, tmp_path / "0"), trained(root, tmp_path / "1", seed=1))


def test_two_devices_learn_what_one_learns_in_two_micro_batches(root: Path, tmp_path: Path) -> None:
    accumulated = trained(root, tmp_path / "one", RECIPE.model_copy(update={"gradient_accumulation_steps": 2}))
    script = tmp_path / "train.py"
    script.write_text(
        "import sys; from pathlib import Path; from tests.finetune.test_training import trained\n"
        "trained(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [*command, str(script), str(root), str(tmp_path / "two")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shared = load_file(tmp_path / "two" / "network.safetensors")
    for key, tensor in accumulated.items():  # equal except for the order of summation
        torch.testing.assert_close(shared[key], tensor, rtol=1e-3, atol=2e-4, msg=key)


def test_it_learns(root: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    recipe = RECIPE.model_copy(
        update={"epochs": 30, "mixup": 0.0, "cutmix": 0.0, "randaugment": "", "random_erasing": 0.0}
    )
    trained(root, tmp_path / "run", recipe, on_epoch=lambda _, loss: losses.append(loss))
    assert len(losses) == 30
    assert losses[-1] < losses[0] / 1.5


def test_a_loss_that_is_not_a_number_is_reported(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the loss is not a number in epoch"):
        trained(root, tmp_path / "run", RECIPE.model_copy(update={"base_lr": 1e30}))


def test_bfloat16_trains_near_float32(root: Path, tmp_path: Path) -> None:
    losses: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    from accelerate.state import AcceleratorState

    for precision, seen in losses.items():
        AcceleratorState._reset_state(reset_partial_state=True)  # one process has one precision
        recipe = RECIPE.model_copy(update={"precision": precision, "epochs": 2})
        trained(root, tmp_path / precision, recipe, on_epoch=lambda _, loss, seen=seen: seen.append(loss))
    AcceleratorState._reset_state(reset_partial_state=True)
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)


def test_the_folder_of_another_training_is_refused(root: Path, tmp_path: Path) -> None:
    trained(root, tmp_path / "run")
    with pytest.raises(OutputError, match=r"was trained with other settings:\n  seed: 0 -> 1"):
        TrainingState(tmp_path / "run", {"seed": 1}).result([], 0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_memory_estimated_from_few_images_is_what_many_need(precision: str) -> None:
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = accelerator_for(RECIPE.model_copy(update={"precision": precision}), "cpu")
    network = build(NetworkSpec("test_vit", 10, 0.0, 32))
    estimated, measured = measure(network, 32, 96, accelerator), _probe(network, 32, 96, accelerator)[1]
    AcceleratorState._reset_state(reset_partial_state=True)
    weights = sum(parameter.nbytes for parameter in network.parameters())
    assert estimated.memory - 4 * weights == pytest.approx(measured, rel=0.01)
    assert estimated.seconds > 0
