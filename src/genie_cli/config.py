"""Settings, each declared once: its default, range, explanation and option name; frozen.

The command line's options and help, `genie.toml`, `genie config` and the checks of values all read this declaration.
How values get here is the business of `settings`. Independent of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from genie_cli.jobs import Method, Ratio

BUNDLED = "digits"  # the name of the bundled diffusion model, oracle and few-shot encoder
LITE0 = "lite0"  # the name of EfficientNet-Lite0 as an oracle and a backbone
STABLE_DIFFUSION = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_STABLE_DIFFUSION_COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"


class Format(StrEnum):
    """Image file formats; the value is also the file suffix."""

    JPG = "jpg"
    PNG = "png"
    WEBP = "webp"


def _setting(
    default: Any,
    description: str,
    *,
    option: str = "",
    variable: str = "",
    metavar: str = "",
    rare: bool = False,
    **bounds: Any,
) -> Any:
    """A field of a section.

    Args:
        option: the option's name without dashes, if it is not the field's own.
        variable: the environment variable, if it is not ``GENIE_`` and the option's name.
        metavar: what stands for the value in help, if the type alone does not say it.
        rare: shown among the advanced options.
        bounds: passed on to `pydantic.Field`.
    """
    extra: dict[str, Any] = {"option": option, "variable": variable, "metavar": metavar, "rare": rare}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


# Limits that nobody reaches: beyond them, a number is a slip of the keyboard.
MANY = 10**9
_LARGEST_SEED = 2**63 - 1


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Generate(_Section):
    """What to generate."""

    method: Method = _setting(
        Method.GENIE,
        "genie: from photos of other classes; img2img: from photos of the target's own class; txt2img: from noise.",
    )
    r: tuple[Ratio, ...] = _setting(
        (), "Noise ratios in (0, 1], as 0.6,0.8; diffusers calls it strength. Default: 0.8; with --method img2img 0.3."
    )
    prompt: str = _setting("A photo of a {target}", "Prompt template; {target} stands for the target class.")
    superclass: str = _setting("", "Append ', a type of SUPERCLASS' to the prompt, for fine-grained classes.")
    per_target: int = _setting(0, "Images per target class and r; 0: one from every eligible source.", ge=0, le=MANY)
    top_k: int = _setting(4, "Number of most-confused classes to draw sources from.", ge=1, le=MANY)
    steps: int = _setting(50, "Solver steps of the full schedule, of which r * steps are run.", ge=2, le=500)
    guidance: float = _setting(7.5, "Classifier-free guidance scale.", ge=1, le=100)
    seed: int = _setting(0, "Random seed.", ge=0, le=_LARGEST_SEED)
    probe: bool = _setting(
        False, "Stop after one denoising step and decode the predicted clean image: cheap previews.", rare=True
    )
    preset: Literal["exact", "fast"] = _setting(
        "exact",
        "fast: 20 steps in half precision, which changes the images. Overrides the settings file, not flags.",
        rare=True,
    )

    @field_validator("prompt")
    @classmethod
    def _names_its_target(cls, prompt: str) -> str:
        if "{target}" not in prompt:
            raise ValueError("the prompt must contain {target}, or all classes would get the same prompt")
        return prompt

    @property
    def ratios(self) -> tuple[float, ...]:
        """The noise ratios to run: those asked for, or the method's default (paper, section 4)."""
        return self.r or (self.method.default_r,)


class Model(_Section):
    """The diffusion model, and how it is run."""

    name: str = _setting(
        STABLE_DIFFUSION,
        "Stable Diffusion 1.x model: a Hugging Face id, a directory, or digits (bundled, no download).",
        option="model",
    )
    revision: str = _setting("", "Commit of the Hugging Face model. Default: main; the default model's is pinned.")
    device: str = _setting("auto", "Device: auto, cpu, cuda, cuda:1, mps.")
    dtype: Literal["auto", "half", "float32", "float16", "bfloat16"] = _setting(
        "auto",
        "Precision: auto (float16 on CUDA, else float32), half (bfloat16 on CPUs with AMX, else as auto), float32, "
        "float16 or bfloat16.",
        rare=True,
    )
    attention: Literal["auto", "sdpa", "xformers", "sliced"] = _setting(
        "auto",
        "Attention kernels: auto (sdpa), sdpa (PyTorch's own), xformers, or sliced (slowest, least memory).",
        rare=True,
    )
    compile: Literal["auto", "off", "regional", "full"] = _setting(
        "auto",
        "torch.compile: regional compiles the transformer blocks, full the whole UNet. auto: full where it was "
        "measured to pay off.",
        rare=True,
    )
    slots: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = _setting(
        "auto", "Batch size, a power of two. auto: what fits the device.", metavar="auto|INT", rare=True
    )

    @property
    def commit(self) -> str | None:
        """The revision to ask the hub for: the default model's is pinned, so that its images can be made again."""
        return self.revision or (_STABLE_DIFFUSION_COMMIT if self.name == STABLE_DIFFUSION else None)

    @field_validator("slots")
    @classmethod
    def _power_of_two(cls, slots: int | str) -> int | str:
        if isinstance(slots, int) and slots & (slots - 1):
            raise ValueError(f"must be a power of two; nearest: {1 << (slots.bit_length() - 1)}")
        return slots


class Output(_Section):
    """Where images go."""

    dir: str = _setting(
        "genie-out", "Output folder for the images and the manifest.", option="out", metavar="DIR", min_length=1
    )
    format: Format = _setting(Format.JPG, "Image file format.")


class Data(_Section):
    """Where data sets are."""

    dir: str = _setting("", "Folder of the data set.", option="data_dir", variable="GENIE_DATA", metavar="DIR")
    pool: int = _setting(0, "Which painting of the bundled digits: colors, backgrounds, poses.", ge=0, le=MANY)


MOST_EPISODES = 100_000  # they are held in memory
MOST_PER_EPISODE = 100_000  # classes, and images of a class
_Classifier = Literal["lr", "svm", "prototype"]
_CLASSIFIERS = "Classifier on the features: logistic regression, linear SVM, or nearest class mean."
_PositiveInts = tuple[Annotated[int, Field(ge=1, le=MOST_PER_EPISODE)], ...]


class FewShot(_Section):
    """Few-shot evaluation."""

    shots: _PositiveInts = _setting((1, 5), "Support images per class, as 1,5.", min_length=1)
    ways: int = _setting(5, "Classes per episode.", ge=2, le=MOST_PER_EPISODE)
    queries: int = _setting(15, "Query images per class and episode.", ge=1, le=MOST_PER_EPISODE)
    episodes: int = _setting(
        600, "Episodes per number of shots (the paper: 1000 on tiered-ImageNet).", ge=2, le=MOST_EPISODES
    )
    classifier: _Classifier = _setting("lr", _CLASSIFIERS)
    ada: Literal["full", "probe"] = _setting(
        "full", "GeNIe-Ada chooses by full images at every r, or by a probe of one step at each.", rare=True
    )
    added: int = _setting(
        0, "Generated images per class; 0: (ways - 1) * shots, as in the paper.", ge=0, le=MOST_PER_EPISODE, rare=True
    )


class FineGrained(FewShot):
    """Fine-grained few-shot evaluation."""

    shots: _PositiveInts = _setting((1,), "Support images per class, as 1,5.", min_length=1)
    ways: int = _setting(20, "Classes per episode.", ge=2, le=MOST_PER_EPISODE)
    queries: int = _setting(0, "Query images per class and episode; 0: all test images.", ge=0, le=MOST_PER_EPISODE)
    episodes: int = _setting(100, "Episodes per number of shots.", ge=2, le=MOST_EPISODES)
    classifier: _Classifier = _setting("svm", _CLASSIFIERS)


_Channel = Annotated[float, Field(gt=0, lt=1)]
_Channels = tuple[_Channel, _Channel, _Channel]
# timm ignores most words of a policy that it does not know.
_RANDAUGMENT = r"^(m\d{1,3}(\.\d{1,9})?(-(n\d{1,2}|inc[01]|(mstd|mmax|p)\d{1,3}(\.\d{1,9})?))*)?$"
_MOST_IMAGES = 10_000_000  # of a class, or in a batch
_MOST_EPOCHS = 100_000
_MOST_RATE = 1e3  # of learning and the like; far beyond what trains anything, and float32 can hold it
_LEAST_ALPHA = 1e-3  # below, float32 cannot draw from the Beta distribution


class LongTail(_Section):
    """Long-tailed evaluation: LiVT's fine-tuning recipe."""

    thresholds: str = _setting(
        "livt", "Shot thresholds: livt, oltr, or A,B (Many: more than A training images; Few: fewer than B)."
    )
    per_class: int = _setting(50, "Generated images per Few class.", ge=1, le=_MOST_IMAGES)
    fill_to: int = _setting(
        0, "Instead of --per-class: generate until each Few class has this many images; 0: off.", ge=0, le=_MOST_IMAGES
    )
    seeds: tuple[Annotated[int, Field(ge=0, le=_LARGEST_SEED)], ...] = _setting(
        (0, 1, 2), "Training seeds, as 0,1,2; one training for each.", min_length=1
    )
    network: str = _setting("vit_base_patch16_224", "timm model to train.")
    loss: Literal["bal-bce", "bce"] = _setting("bal-bce", "Balanced or plain binary cross-entropy.")
    prior: Literal["real", "mixed"] = _setting(
        "real", "Class frequencies for Bal-BCE: of the real images, or of real and generated images.", rare=True
    )
    epochs: int = _setting(100, "Training epochs.", ge=1, le=_MOST_EPOCHS)
    warmup_epochs: int = _setting(5, "Warm-up epochs.", ge=0, le=_MOST_EPOCHS)
    updates: Literal["per-image", "equal"] = _setting(
        "per-image",
        "Optimizer steps: per-image, an epoch is over an augmentation's own images; equal, as many with every "
        "augmentation as with the generated images added.",
    )
    batch: int = _setting(2048, "Images per optimizer step, over all devices.", ge=2, le=_MOST_IMAGES)
    gradient_accumulation_steps: int = _setting(
        1,
        "Forward and backward passes per optimizer step, to save memory.",
        option="grad_accum_steps",
        ge=1,
        le=_MOST_IMAGES,
        rare=True,
    )
    base_lr: float = _setting(1e-3, "Learning rate per 256 images of a batch.", gt=0, le=_MOST_RATE)
    min_lr: float = _setting(1e-6, "Final learning rate.", ge=0, le=_MOST_RATE, rare=True)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = _setting(
        (0.9, 0.999), "AdamW betas.", rare=True
    )
    weight_decay: float = _setting(0.05, "AdamW weight decay.", ge=0, le=_MOST_RATE, rare=True)
    layer_decay: float = _setting(0.75, "Layer-wise learning rate decay.", gt=0, le=1, rare=True)
    drop_path: float = _setting(0.1, "Stochastic depth rate of the last block.", ge=0, lt=1, rare=True)
    mixup: float = _setting(0.8, "MixUp alpha; 0: off.", ge=0, le=_MOST_RATE, rare=True)
    cutmix: float = _setting(
        1.0, "CutMix alpha; 0: off. With both, each batch uses one at random.", ge=0, le=_MOST_RATE, rare=True
    )
    smoothing: float = _setting(0.1, "Label smoothing.", ge=0, lt=1, rare=True)
    randaugment: str = _setting(
        "m9-mstd0.5-inc1", "RandAugment policy in timm's notation; empty: off.", pattern=_RANDAUGMENT, rare=True
    )
    random_erasing: float = _setting(0.25, "Random erasing probability.", ge=0, le=1, rare=True)
    mean: _Channels = _setting((0.479672, 0.457713, 0.407721), "Channel mean, 0 to 1.", rare=True)
    std: _Channels = _setting((0.278976, 0.271203, 0.286062), "Channel standard deviation, 0 to 1.", rare=True)
    precision: Literal["auto", "float32", "float16", "bfloat16"] = _setting(
        "auto",
        "Training precision: auto (float16 on CUDA, else float32), float32, float16 or bfloat16.",
        rare=True,
    )
    workers: int = _setting(8, "Data loading processes.", ge=0, le=1024, rare=True)

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


# What a preset stands for; the manifest records the resulting settings, so nothing else needs to know presets.
PRESETS: Mapping[str, Mapping[str, Any]] = {"fast": {"generate.steps": 20, "model.dtype": "half"}}


class Settings(_Section):
    """All settings, in the sections of `genie.toml`."""

    generate: Generate = Generate()
    model: Model = Model()
    output: Output = Output()
    data: Data = Data()
    fewshot: FewShot = FewShot()
    finegrained: FineGrained = FineGrained()
    longtail: LongTail = LongTail()
