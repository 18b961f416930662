"""Data sets, and the three evaluations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from genie_cli.config.section import LARGEST_SEED, MANY, Section, setting


class Data(Section):
    """Where data sets are."""

    dir: str = setting("", "Folder of the data set.", option="data_dir", variable="GENIE_DATA", metavar="DIR")
    pool: int = setting(0, "Which painting of the bundled digits: colors, backgrounds, poses.", ge=0, le=MANY)
    test_share: float = setting(
        0.0, "Share of each class to test on, of a folder of classes without a test split; 0: it has one.", ge=0, lt=1
    )
    split_seed: int = setting(0, "Random seed of that split.", ge=0, le=LARGEST_SEED)


_MOST_JOBS = 256
MOST_EPISODES = 100_000  # they are held in memory
MOST_PER_EPISODE = 100_000  # classes, and images of a class
_Classifier = Literal["lr", "svm", "prototype"]
_CLASSIFIERS = "Classifier on the features: logistic regression, linear SVM, or nearest class mean."
_PositiveInts = tuple[Annotated[int, Field(ge=1, le=MOST_PER_EPISODE)], ...]


class FewShot(Section):
    """Few-shot evaluation."""

    shots: _PositiveInts = setting((1, 5), "Support images per class, as 1,5.", min_length=1)
    ways: int = setting(5, "Classes per episode.", ge=2, le=MOST_PER_EPISODE)
    queries: int = setting(15, "Query images per class and episode.", ge=1, le=MOST_PER_EPISODE)
    episodes: int = setting(
        600, "Episodes per number of shots (the paper: 1000 on tiered-ImageNet).", ge=2, le=MOST_EPISODES
    )
    classifier: _Classifier = setting("lr", _CLASSIFIERS)
    jobs: int = setting(
        0, "Processes that fit classifiers; 0: one for each CPU core, if it pays.", ge=0, le=_MOST_JOBS, rare=True
    )
    ada: Literal["full", "probe"] = setting(
        "full", "GeNIe-Ada chooses by full images at every r, or by a probe of one step at each.", rare=True
    )
    added: int = setting(
        0, "Generated images per class; 0: (ways - 1) * shots, as in the paper.", ge=0, le=MOST_PER_EPISODE, rare=True
    )


class FineGrained(FewShot):
    """Fine-grained few-shot evaluation."""

    shots: _PositiveInts = setting((1,), "Support images per class, as 1,5.", min_length=1)
    ways: int = setting(20, "Classes per episode.", ge=2, le=MOST_PER_EPISODE)
    queries: int = setting(0, "Query images per class and episode; 0: all test images.", ge=0, le=MOST_PER_EPISODE)
    episodes: int = setting(100, "Episodes per number of shots.", ge=2, le=MOST_EPISODES)
    classifier: _Classifier = setting("svm", _CLASSIFIERS)


_Channel = Annotated[float, Field(gt=0, lt=1)]
_Channels = tuple[_Channel, _Channel, _Channel]
# timm ignores most words of a policy that it does not know.
_RANDAUGMENT = r"^(m\d{1,3}(\.\d{1,9})?(-(n\d{1,2}|inc[01]|(mstd|mmax|p)\d{1,3}(\.\d{1,9})?))*)?$"
_MOST_IMAGES = 10_000_000  # of a class, or in a batch
_MOST_EPOCHS = 100_000
_MOST_RATE = 1e3  # of learning and the like; far beyond what trains anything, and float32 can hold it
_LEAST_ALPHA = 1e-3  # below, float32 cannot draw from the Beta distribution


class LongTail(Section):
    """Long-tailed evaluation: LiVT's fine-tuning recipe."""

    thresholds: str = setting(
        "livt", "Shot thresholds: livt, oltr, or A,B (Many: more than A training images; Few: fewer than B)."
    )
    per_class: int = setting(50, "Generated images per Few class.", ge=1, le=_MOST_IMAGES)
    fill_to: int = setting(
        0, "Instead of --per-class: generate until each Few class has this many images; 0: off.", ge=0, le=_MOST_IMAGES
    )
    seeds: tuple[Annotated[int, Field(ge=0, le=LARGEST_SEED)], ...] = setting(
        (0, 1, 2), "Training seeds, as 0,1,2; one training for each.", min_length=1
    )
    network: str = setting("vit_base_patch16_224", "timm model to train; NAME.tag starts from timm's weights.")
    loss: Literal["bal-bce", "bce"] = setting("bal-bce", "Balanced or plain binary cross-entropy.")
    prior: Literal["real", "mixed"] = setting(
        "real", "Class frequencies for Bal-BCE: of the real images, or of real and generated images.", rare=True
    )
    epochs: int = setting(100, "Training epochs.", ge=1, le=_MOST_EPOCHS)
    warmup_epochs: int = setting(5, "Warm-up epochs.", ge=0, le=_MOST_EPOCHS)
    updates: Literal["per-image", "equal"] = setting(
        "per-image",
        "Optimizer steps: per-image, an epoch is over an augmentation's own images; equal, as many with every "
        "augmentation as with the generated images added.",
    )
    batch: int = setting(2048, "Images per optimizer step, over all devices.", ge=2, le=_MOST_IMAGES)
    gradient_accumulation_steps: int = setting(
        1,
        "Forward and backward passes per optimizer step, to save memory.",
        option="grad_accum_steps",
        ge=1,
        le=_MOST_IMAGES,
        rare=True,
    )
    base_lr: float = setting(1e-3, "Learning rate per 256 images of a batch.", gt=0, le=_MOST_RATE)
    min_lr: float = setting(1e-6, "Final learning rate.", ge=0, le=_MOST_RATE, rare=True)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = setting(
        (0.9, 0.999), "AdamW betas.", rare=True
    )
    weight_decay: float = setting(0.05, "AdamW weight decay.", ge=0, le=_MOST_RATE, rare=True)
    layer_decay: float = setting(0.75, "Layer-wise learning rate decay.", gt=0, le=1, rare=True)
    drop_path: float = setting(0.1, "Stochastic depth rate of the last block.", ge=0, lt=1, rare=True)
    mixup: float = setting(0.8, "MixUp alpha; 0: off.", ge=0, le=_MOST_RATE, rare=True)
    cutmix: float = setting(
        1.0, "CutMix alpha; 0: off. With both, each batch uses one at random.", ge=0, le=_MOST_RATE, rare=True
    )
    smoothing: float = setting(0.1, "Label smoothing.", ge=0, lt=1, rare=True)
    randaugment: str = setting(
        "m9-mstd0.5-inc1", "RandAugment policy in timm's notation; empty: off.", pattern=_RANDAUGMENT, rare=True
    )
    random_erasing: float = setting(0.25, "Random erasing probability.", ge=0, le=1, rare=True)
    mean: _Channels = setting((0.479672, 0.457713, 0.407721), "Channel mean, 0 to 1.", rare=True)
    std: _Channels = setting((0.278976, 0.271203, 0.286062), "Channel standard deviation, 0 to 1.", rare=True)
    precision: Literal["auto", "float32", "float16", "bfloat16"] = setting(
        "auto",
        "Training precision: auto (float16 on CUDA, else float32), float32, float16 or bfloat16.",
        rare=True,
    )
    workers: int = setting(8, "Data loading processes.", option="num_workers", ge=0, le=1024, rare=True)

    @field_validator("mixup", "cutmix")
    @classmethod
    def _can_be_drawn(cls, alpha: float) -> float:
        if 0 < alpha < _LEAST_ALPHA:
            raise ValueError(f"must be 0, or {_LEAST_ALPHA} or more")
        return alpha

    @field_validator("seeds")
    @classmethod
    def _differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is listed twice, and would give the same training twice")
        return seeds

    @property
    def learning_rate(self) -> float:
        """Peak learning rate: ``base_lr`` times batch / 256."""
        return self.base_lr * self.batch / 256
