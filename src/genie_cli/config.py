"""Settings, each declared once, with its default, range and one line of explanation; frozen.

The command line's help, `genie init` and the checks all read this declaration. Where values come from is
`settings_file`'s. This module does not know torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from genie_cli.jobs import Method, Ratio

BUNDLED = "digits"  # the name of the bundled model, oracle and few-shot encoder
STABLE_DIFFUSION = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_STABLE_DIFFUSION_COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"


class Format(StrEnum):
    """Image file formats; the value is also the file suffix."""

    JPG = "jpg"
    PNG = "png"
    WEBP = "webp"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generate(_Section):
    """What to make."""

    method: Method = Field(Method.GENIE, description="How images are made: genie, img2img or txt2img.")
    r: tuple[Ratio, ...] = Field(
        (), description="Noise ratios, 0 < r <= 1, as 0.6,0.8 or repeated; none: 0.8 for genie, 0.3 for img2img."
    )
    prompt: str = Field("A photo of a {target}", description="Prompt template; {target} is the class to make.")
    superclass: str = Field("", description="Ends the prompt with ', a type of SUPERCLASS', for fine-grained classes.")
    per_target: int = Field(0, ge=0, description="Images per target and r; 0: one from every eligible source.")
    top_k: int = Field(4, ge=1, description="Of so many of the most confused classes, sources are taken.")
    steps: int = Field(50, ge=2, le=500, description="Solver steps of the full schedule; r * steps of them run.")
    guidance: float = Field(7.5, ge=1, le=100, description="Classifier-free guidance scale.")
    seed: int = Field(0, ge=0, description="Another seed, other noise.")
    preset: Literal["exact", "fast"] = Field(
        "exact",
        description="exact; or fast: 20 steps, --dtype half, so other images. It beats the file, a flag beats it.",
    )

    @field_validator("prompt")
    @classmethod
    def _names_its_target(cls, prompt: str) -> str:
        if "{target}" not in prompt:
            raise ValueError("the prompt has no {target} in it, so every class would look the same")
        return prompt

    @property
    def ratios(self) -> tuple[float, ...]:
        """The noise ratios to run: those asked for, or the method's own (paper, section 4)."""
        return self.r or (self.method.default_r,)


class Model(_Section):
    """What makes it."""

    name: str = Field(
        STABLE_DIFFUSION,
        description="A Stable Diffusion 1.x snapshot: hub id, directory, or digits (bundled, no download).",
    )
    revision: str = Field("", description="The hub model's commit; none: main, or the default model's pinned one.")
    device: str = Field("auto", description="Device: auto, cpu, cuda, cuda:1.")
    dtype: Literal["auto", "half", "float32", "float16", "bfloat16"] = Field(
        "auto",
        description="Precision: auto (float16 on CUDA, else float32), half (auto, but bfloat16 on CPUs with AMX), "
        "float32, float16 or bfloat16.",
    )
    attention: Literal["auto", "sdpa", "xformers", "sliced"] = Field(
        "auto", description="Attention: sdpa (torch's own, auto), xformers, or sliced (slow, least memory)."
    )
    compile: Literal["auto", "off", "regional", "full"] = Field(
        "auto",
        description="torch.compile: off, regional (transformer blocks), full; auto: full where that is known to pay.",
    )
    slots: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        "auto", description="Images in one batch, a power of two; auto fits the device."
    )

    def following(self, begun: Mapping[str, Any]) -> Model:
        """These settings, but what they leave to ``auto`` as it was settled by the run that began the folder.

        Args:
            begun: settings in the folder's header; what makes no sense there is left for the folder's own check.
        """
        settled = {
            name: begun[name]
            for name in ("dtype", "slots", "attention", "compile")
            if name in begun and getattr(self, name) == "auto"
        }
        try:
            return Model.model_validate({**self.model_dump(), **settled})
        except ValidationError:
            return self

    @property
    def commit(self) -> str | None:
        """The revision to ask the hub for: the default model's is pinned, so that its images can be made again."""
        return self.revision or (_STABLE_DIFFUSION_COMMIT if self.name == STABLE_DIFFUSION else None)

    @field_validator("slots")
    @classmethod
    def _power_of_two(cls, slots: int | str) -> int | str:
        if isinstance(slots, int) and slots & (slots - 1):
            raise ValueError(f"slots must be a power of two, got {slots}")
        return slots


class Output(_Section):
    """Where it goes."""

    dir: str = Field("genie-out", description="Folder for the images and the manifest.")
    format: Format = Field(Format.JPG, description="Image files: jpg, png or webp.")


class Data(_Section):
    """Where data sets lie."""

    dir: str = Field("", description="Folder of the data set; the digits need none.")


_Shots = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(min_length=1, description="Support images per class, as 1,5 or repeated."),
]
_Ways = Annotated[int, Field(ge=2, description="Classes per episode.")]
_Classifier = Annotated[
    Literal["lr", "svm", "prototype"],
    Field(description="On the features: lr (logistic regression), svm (linear) or prototype."),
]


_Channels = tuple[
    Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]
]


class FewShot(_Section):
    """How few-shot classification is measured."""

    shots: _Shots = (1, 5)
    ways: _Ways = 5
    queries: int = Field(15, ge=1, description="Query images per class and episode.")
    episodes: int = Field(600, ge=2, description="Episodes per number of shots; the paper: 1000 on tiered-ImageNet.")
    classifier: _Classifier = "lr"


class FineGrained(FewShot):
    """How fine-grained classification is measured."""

    shots: _Shots = (1,)
    ways: _Ways = 20
    queries: int = Field(0, ge=0, description="Query images per class and episode; 0: all test images.")
    episodes: int = Field(100, ge=2, description="Episodes per number of shots.")
    classifier: _Classifier = "svm"


# timm takes no notice of most words that it does not know.
_RANDAUGMENT = r"^(m\d+(\.\d+)?(-(n\d+|inc[01]|(mstd|mmax|p)\d+(\.\d+)?))*)?$"


class LongTail(_Section):
    """How long-tailed classification is measured: LiVT's recipe for fine-tuning."""

    thresholds: str = Field("livt", description="Where Many and Few begin: livt, oltr, or A,B (Many > A, Few < B).")
    per_class: int = Field(50, ge=1, description="Generated images per Few class.")
    fill_to: int = Field(0, ge=0, description="Instead: as many as fill a Few class up to this number; 0: not.")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0, 1, 2), min_length=1, description="A training for each seed, as 0,1,2 or repeated."
    )
    network: str = Field("vit_base_patch16_224", description="What is trained: a timm model (digits: test_resnet).")
    loss: Literal["bal-bce", "bce"] = Field("bal-bce", description="bal-bce knows the classes' shares, bce does not.")
    prior: Literal["real", "mixed"] = Field(
        "real", description="Shares of the classes: among real images, or mixed with generated ones."
    )
    epochs: int = Field(100, ge=1, description="How often each image is seen.")
    warmup_epochs: int = Field(5, ge=0, description="Epochs in which the learning rate rises.")
    batch: int = Field(2048, ge=2, description="Images an update, over all devices.")
    gradient_accumulation_steps: int = Field(
        1, ge=1, description="Forward and backward passes per optimizer step, to save memory."
    )
    base_lr: float = Field(1e-3, gt=0, description="Learning rate for a batch of 256; it grows with the batch.")
    min_lr: float = Field(1e-6, ge=0, description="Learning rate at the end.")
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.999), description="AdamW's betas, as 0.9,0.999."
    )
    weight_decay: float = Field(0.05, ge=0, description="AdamW's weight decay.")
    layer_decay: float = Field(0.75, gt=0, le=1, description="Learning rate of a layer, as a share of the next one's.")
    drop_path: float = Field(0.1, ge=0, lt=1, description="Stochastic depth: how often the last block is skipped.")
    mixup: float = Field(0.8, ge=0, description="MixUp's alpha; 0: none.")
    cutmix: float = Field(1.0, ge=0, description="CutMix's alpha; 0: none. With both, either is drawn.")
    smoothing: float = Field(0.1, ge=0, lt=1, description="Share of a label that is spread over all classes.")
    randaugment: str = Field(
        "m9-mstd0.5-inc1", pattern=_RANDAUGMENT, description="RandAugment in timm's words; empty: none."
    )
    random_erasing: float = Field(0.25, ge=0, le=1, description="How often a rectangle is erased.")
    mean: _Channels = Field((0.479672, 0.457713, 0.407721), description="Mean of the channels, 0..1.")
    std: _Channels = Field((0.278976, 0.271203, 0.286062), description="Deviation of the channels.")
    precision: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="Of the arithmetic: auto (float16 on CUDA, else float32), float32, float16 or bfloat16."
    )
    workers: int = Field(8, ge=0, description="Processes that load images.")

    @field_validator("seeds")
    @classmethod
    def _differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed stands there twice, and would give the same training twice")
        return seeds

    @property
    def learning_rate(self) -> float:
        """The highest: ``base_lr`` times batch / 256."""
        return self.base_lr * self.batch / 256


# What a preset stands for; the header says what became of it, so nothing else needs to know presets.
PRESETS: Mapping[str, Mapping[str, Any]] = {"fast": {"generate.steps": 20, "model.dtype": "half"}}


class Settings(_Section):
    """All sections of `genie.toml`."""

    generate: Generate = Generate()
    model: Model = Model()
    output: Output = Output()
    data: Data = Data()
    fewshot: FewShot = FewShot()
    finegrained: FineGrained = FineGrained()
    longtail: LongTail = LongTail()
