"""What a training learns from: its images and labels, the prior in its loss, the number of its updates, its seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.special import logit

from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.finetune import training
from genie_cli.finetune.training import TrainingSpec
from genie_cli.finetune.training_images import seed_all
from genie_cli.longtail import trainings
from genie_cli.longtail.benchmark import Benchmark
from tests.conftest import Genie
from tests.longtail.test_benchmark import RECIPE, prepared, settings_for

COUNTS = {"zero": 12, "one": 8, "two": 5, "three": 2, "four": 2}
LABELS = tuple(sorted(COUNTS))  # four, one, three, two, zero
FEW = ("three", "four")
STILL: dict[str, Any] = {
    "base_lr": 1e-30,
    "min_lr": 0.0,
    "drop_path": 0.0,
}  # nothing is learned: the weights stay what they were


@pytest.fixture(autouse=True)
def kept(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long-tailed training split with two Few classes, and a balanced test split."""
    root = tmp_path_factory.mktemp("tail") / "photos"
    for number, (label, count) in enumerate(COUNTS.items()):
        assert CLASSES[number] == label
        DigitsInTheWild("train").save_samples(root / "train", range(number, 10 * count, 10))
        DigitsInTheWild("test").save_samples(root / "test", range(number, 40, 10))
    return root


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[TrainingSpec]:
    """What the trainings of a test were given, in their order."""
    seen: list[TrainingSpec] = []
    whole = training.train

    def noted(network: Any, spec: TrainingSpec, *others: Any) -> None:
        seen.append(spec)
        whole(network, spec, *others)

    monkeypatch.setattr(trainings, "train", noted)
    return seen


def benched(photos: Path, out: Path, *augment: str, generate: dict[str, Any] | None = None, **recipe: Any) -> Benchmark:
    settings = settings_for(photos, steps=2, **(generate or {}))
    learned = RECIPE.model_copy(update={"epochs": 1, "warmup_epochs": 0, **recipe})
    return prepared(out, settings.model_copy(update={"longtail": learned}), augment=augment)


class TestImages:
    def test_real_images_come_once_and_the_rare_ones_again_in_turn(
        self, photos: Path, tmp_path: Path, specs: list[TrainingSpec]
    ) -> None:
        records = benched(photos, tmp_path, "none", "repeat").evaluate()
        assert [(record.augmentation, record.added) for record in records if record.seed is None] == [
            ("none", 0),
            ("repeat", 6),
        ]
        none, repeat = specs
        assert len(none.images) == 29
        for one, other in zip(repeat.images, none.images, strict=False):
            assert one.path == other.path
            assert np.array_equal(one.label, other.label)
        own = {label: [image for image in none.images if image.label[LABELS.index(label)] == 1] for label in FEW}
        assert {label: len(images) for label, images in own.items()} == {"three": 2, "four": 2}
        added = repeat.images[29:]
        assert {id(image) for image in added} & {id(image) for image in none.images} == set()
        for label in FEW:
            first, second = (image.path for image in own[label])
            again = [image for image in added if image.label[LABELS.index(label)] == 1]
            assert [image.path for image in again] == [first, second, first]
            assert all(image.label.sum() == 1 for image in again)

    def test_generated_images_have_the_label_of_their_target(
        self, photos: Path, tmp_path: Path, specs: list[TrainingSpec]
    ) -> None:
        benched(photos, tmp_path, "txt2img").evaluate()
        ((*_, six, five, four, three, two, one),) = (spec.images for spec in specs)
        made = (six, five, four, three, two, one)
        assert all("txt2img" in image.path.read_bytes().decode("latin-1") for image in made)
        by_label = np.sum([image.label for image in made], axis=0)
        assert dict(zip(LABELS, by_label, strict=True)) == {"zero": 0, "one": 0, "two": 0, "three": 3, "four": 3}

    def test_soft_labels_are_shares_of_the_data_sets_classes(
        self, genie: Genie, photos: Path, tmp_path: Path, specs: list[TrainingSpec]
    ) -> None:
        """The oracle knows ten digits, and the data set has five of them."""
        words = ("--dataset", "folder", "--data-dir", photos, "--thresholds", "6,4", "--per-class", 3)
        trained = ("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--batch", 8, "--seeds", 0)
        command = ("longtail", *words, *trained, "--num-workers", 0, "--augment", "txt2img")
        assert genie(*command, "--model", "digits", "--steps", 2, "--plan-out", "plan.jsonl").exit_code == 0
        made = genie("generate", "--plan", "plan.jsonl", "--steps", 2, "--out", "made", "--format", "png")
        judged = genie("oracle", "-", "--soft-labels", stdin=made.stdout)
        done = genie(*command, "--manifest", "-", "--soft-labels", stdin=judged.stdout)
        assert done.exit_code == 0, done.stderr
        rows = [json.loads(line) for line in judged.stdout.splitlines()[1:]]
        shares = {row["sha256"]: row["oracle"]["soft_label"] for row in rows if row["oracle"]["accepted"]}
        (spec,) = specs
        generated = spec.images[29:]
        assert len(generated) == len(shares) > 0
        for image in generated:
            own = np.array([shares[image.sha256].get(label, 0.0) for label in LABELS])
            assert own.sum() < 1 - 1e-4  # something went to the other five
            assert image.label.sum() == pytest.approx(1, abs=1e-6)
            assert image.label == pytest.approx(own / own.sum(), abs=1e-6)


class TestPrior:
    @pytest.mark.parametrize(
        ("augment", "prior", "added"),
        [
            ("txt2img", "real", 0),
            ("txt2img", "mixed", 3),
            ("repeat", "real", 0),
            ("repeat", "mixed", 3),
            ("none", "mixed", 0),
        ],
    )
    def test_it_counts_what_it_says(
        self, photos: Path, tmp_path: Path, specs: list[TrainingSpec], augment: str, prior: str, added: int
    ) -> None:
        benched(photos, tmp_path, augment, prior=prior).evaluate()
        (spec,) = specs
        assert len(spec.images) == (29 if augment == "none" else 35)
        counts = np.array([COUNTS[label] + (added if label in FEW else 0) for label in LABELS])
        assert spec.bias is not None
        assert spec.bias.numpy() == pytest.approx(logit(counts / counts.sum()), abs=1e-5)

    def test_plain_cross_entropy_has_none(self, photos: Path, tmp_path: Path, specs: list[TrainingSpec]) -> None:
        benched(photos, tmp_path, "none", loss="bce").evaluate()
        assert [spec.bias for spec in specs] == [None]

    def test_it_is_not_used_at_test_time(self, photos: Path, tmp_path: Path) -> None:
        """A network that has learned nothing predicts what it predicts, and not the largest class."""
        bench = benched(photos, tmp_path, "none", **STILL)
        (outcome,) = bench.train().outcomes
        seed_all(0)
        network = build(NetworkSpec("test_vit", 5, 0.0)).eval()
        expected = [LABELS[place] for place in logits_of(network, bench).argmax(dim=1)]
        assert outcome.predicted is not None
        assert [LABELS[place] for place in outcome.predicted] == expected
        assert set(expected) != {"zero"}
        for label in LABELS:
            own = [name for name, source in zip(expected, bench.dataset.test, strict=True) if source.label == label]
            assert outcome.accuracy[label] == pytest.approx(own.count(label) / len(own))

    def test_what_is_predicted_is_what_the_saved_network_predicts(self, photos: Path, tmp_path: Path) -> None:
        bench = benched(photos, tmp_path, "none")
        (outcome,) = bench.train().outcomes
        network = build(NetworkSpec("test_vit", 5, 0.0)).eval()
        network.load_state_dict(load_file(tmp_path / "trainings/none-seed-0/network.safetensors"))
        assert outcome.predicted is not None
        assert list(outcome.predicted) == logits_of(network, bench).argmax(dim=1).tolist()
        assert bench.train().outcomes == [outcome]  # as read from its file


def logits_of(network: Any, bench: Benchmark) -> torch.Tensor:
    """The logits of a network on the test images, by the transforms that the benchmark documents."""
    side = bench.trainings.preprocess.size
    rows = []
    for source in bench.dataset.test:
        whole = Image.open(bench.dataset.root / source.path).convert("RGB")
        larger = whole.resize((round(side * 256 / 224),) * 2, Image.Resampling.BICUBIC)
        edge = round((larger.width - side) / 2)
        pixels = np.asarray(larger.crop((edge, edge, edge + side, edge + side)), dtype=np.float32) / 255
        normal = (pixels - np.array(RECIPE.mean, np.float32)) / np.array(RECIPE.std, np.float32)
        rows.append(torch.from_numpy(normal.transpose(2, 0, 1)))
    with torch.no_grad():
        logits: torch.Tensor = network(torch.stack(rows))
    return logits


class TestUpdates:
    @pytest.mark.parametrize(("updates", "steps"), [("per-image", [3, 4]), ("equal", [4, 4])])
    def test_every_augmentation_has_as_many_if_so_told(
        self, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, updates: str, steps: list[int]
    ) -> None:
        """29 images are 3 batches of 8, and 35 are 4."""
        taken: list[int] = []
        step = torch.optim.AdamW.step

        def counted(self: Any, *arguments: Any, **more: Any) -> Any:
            taken[-1] += 1
            return step(self, *arguments, **more)

        monkeypatch.setattr(torch.optim.AdamW, "step", counted)
        bench = benched(photos, tmp_path, "none", "repeat", updates=updates)
        assert bench.cost().optimizer_steps == sum(steps)
        for augmentation in bench.augmentations:
            taken.append(0)
            benched(photos, tmp_path, augmentation.label, updates=updates).evaluate()
        assert taken == steps

    def test_they_are_part_of_what_a_training_is(self, genie: Genie, photos: Path, tmp_path: Path) -> None:
        words = ("longtail", "--dataset", "folder", "--data-dir", photos, "--thresholds", "6,4", "--augment", "none")
        trained = ("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--batch", 8, "--seeds", 0)
        command = (*words, *trained, "--num-workers", 0, "--out", "out")
        assert genie(*command, "--updates", "equal", "--per-class", 3).exit_code == 0
        changed = genie(*command, "--updates", "equal", "--per-class", 30)
        assert "optimizer_steps: 8 -> 22" in changed.stderr
        assert "optimizer_steps: 8 -> None" in genie(*command, "--per-class", 3).stderr
        assert genie(*command, "--updates", "equal", "--per-class", 3).exit_code == 0


class TestSeed:
    def test_it_decides_the_new_weights(self, photos: Path, tmp_path: Path) -> None:
        benched(photos, tmp_path, "none", seeds=(0, 7), **STILL).evaluate()
        seen = {}
        for seed in (0, 7):
            seen[seed] = load_file(tmp_path / f"trainings/none-seed-{seed}/network.safetensors")
            seed_all(seed)
            own = build(NetworkSpec("test_vit", 5, 0.0)).state_dict()
            assert all(torch.allclose(seen[seed][name], own[name], atol=1e-9) for name in own)
        assert not torch.equal(seen[0]["head.weight"], seen[7]["head.weight"])

    def test_it_decides_what_the_training_draws(self, photos: Path, tmp_path: Path, specs: list[TrainingSpec]) -> None:
        benched(photos, tmp_path, "none", seeds=(3, 4)).evaluate()
        assert [spec.seed for spec in specs] == [3, 4]

    @pytest.mark.parametrize("augment", ["txt2img", "img2img-h", "img2img"])
    def test_that_of_generation_decides_the_generated_images(self, photos: Path, tmp_path: Path, augment: str) -> None:
        made = {}
        for seed in (0, 5):
            bench = benched(photos, tmp_path / str(seed), augment, generate={"seed": seed})
            assert bench.run
            jobs = list(bench.run.jobs)
            assert {job.seed for job in jobs} == {seed}
            assert len(jobs) == 6
            made[seed] = {job.noise_seed for job in jobs}
        assert not made[0] & made[5]
