"""What to generate, with which model, and where images go."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from genie_cli.config.section import LARGEST_SEED, MANY, Section, setting
from genie_cli.jobs import Method, Ratio

BUNDLED = "digits"  # the name of the bundled diffusion model, oracle and few-shot encoder
LITE0 = "lite0"  # the name of EfficientNet-Lite0 as an oracle and a backbone
STABLE_DIFFUSION = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_ADDRESS = r"(local|auto|([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5})?"
_MOST_WORKERS = 4096
_STABLE_DIFFUSION_COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"


class Format(StrEnum):
    """Image file formats; the value is also the file suffix."""

    JPG = "jpg"
    PNG = "png"
    WEBP = "webp"


class Generate(Section):
    """What to generate."""

    method: Method = setting(
        Method.GENIE,
        "genie: from photos of other classes; img2img: from photos of the target's own class; txt2img: from noise.",
    )
    r: tuple[Ratio, ...] = setting(
        (), "Noise ratios in (0, 1], as 0.6,0.8; diffusers calls it strength. Default: 0.8; with --method img2img 0.3."
    )
    prompt: str | tuple[str, ...] = setting(
        "A photo of a {target}",
        "Prompt template; {target} stands for the target class. Given several times: each image has one of them.",
    )
    superclass: str = setting("", "Append ', a type of SUPERCLASS' to the prompt, for fine-grained classes.")
    per_target: int = setting(0, "Images per target class and r; 0: one from every eligible source.", ge=0, le=MANY)
    top_k: int = setting(4, "Number of most-confused classes to draw sources from.", ge=1, le=MANY)
    negative_prompt: str = setting("", "What images should not show: the prompt that guidance leads away from.")
    steps: int = setting(50, "Solver steps of the full schedule, of which r * steps are run.", ge=2, le=500)
    guidance: float = setting(7.5, "Classifier-free guidance scale.", ge=1, le=100)
    seed: int = setting(0, "Random seed.", ge=0, le=LARGEST_SEED)
    probe: bool = setting(
        False, "Stop after one denoising step and decode the predicted clean image: cheap previews.", rare=True
    )
    preset: Literal["exact", "fast"] = setting(
        "exact",
        "fast: 20 steps in half precision, which changes the images. Overrides the settings file, not flags.",
        rare=True,
    )

    @field_validator("prompt")
    @classmethod
    def _names_its_target(cls, prompt: str | tuple[str, ...]) -> str | tuple[str, ...]:
        templates = tuple(dict.fromkeys((prompt,) if isinstance(prompt, str) else prompt))
        if not templates or not all("{target}" in template for template in templates):
            raise ValueError("the prompt must contain {target}, or all classes would get the same prompt")
        return templates[0] if len(templates) == 1 else templates

    @property
    def ratios(self) -> tuple[float, ...]:
        """The noise ratios to run: those asked for, or the method's default (paper, section 4)."""
        return self.r or (self.method.default_r,)


class Model(Section):
    """The diffusion model, and how it is run."""

    name: str = setting(
        STABLE_DIFFUSION,
        "Stable Diffusion 1.x, 2.x or XL model: a Hugging Face id, a directory, a .safetensors file of 1.x or XL, or "
        "digits (bundled, no download).",
        option="model",
    )
    revision: str = setting("", "Commit of the Hugging Face model. Default: main; the default model's is pinned.")
    lora: tuple[str, ...] = setting(
        (), "LoRAs (.safetensors) to add to the model; with a scale: FILE:0.8. May be repeated.", metavar="FILE,..."
    )
    embedding: tuple[str, ...] = setting(
        (), "Textual inversions (.safetensors), whose words --prompt may have. May be repeated.", metavar="FILE,..."
    )
    device: str = setting("auto", "Device: auto, cpu, cuda, cuda:1, mps.")
    devices: str = setting(
        "",
        "Devices to make images on at once, each by a process: all, cuda:0,cuda:1, or cpu*2.",
        metavar="LIST",
        rare=True,
    )
    ray: str = setting(
        "",
        "Make images on a Ray cluster: its address, as HOST:PORT; auto: one that runs on this machine; local: one that "
        "is started for this run.",
        metavar="local|auto|HOST:PORT",
        rare=True,
    )
    workers: int = setting(
        0,
        "Workers to ask the Ray cluster for; those without room wait for it. 0: one for each GPU, or else for each "
        "machine.",
        ge=0,
        le=_MOST_WORKERS,
        rare=True,
    )
    dtype: Literal["auto", "half", "float32", "float16", "bfloat16"] = setting(
        "auto",
        "Precision: auto (float16 on CUDA, else float32), half (bfloat16 on CPUs with AMX or AVX512-BF16, else as "
        "auto), float32, float16 or bfloat16.",
        rare=True,
    )
    attention: Literal["auto", "sdpa", "xformers", "sliced"] = setting(
        "auto",
        "Attention kernels: auto (sdpa), sdpa (PyTorch's own), xformers, or sliced (slowest, least memory).",
        rare=True,
    )
    compile: Literal["auto", "off", "regional", "full"] = setting(
        "auto",
        "Compilation: regional compiles the transformer blocks, full the whole UNet. auto: full where it was "
        "measured to pay off.",
        rare=True,
    )
    slots: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = setting(
        "auto", "Batch size, a power of two. auto: what fits the device.", metavar="auto|INT", rare=True
    )

    @property
    def commit(self) -> str | None:
        """The revision to ask the hub for: the default model's is pinned, so that its images can be made again."""
        return self.revision or (_STABLE_DIFFUSION_COMMIT if self.name == STABLE_DIFFUSION else None)

    @field_validator("ray")
    @classmethod
    def _address(cls, address: str) -> str:
        if not re.fullmatch(_ADDRESS, address):
            raise ValueError("must be local, auto, or the address of the cluster's head, such as 10.0.0.1:6379")
        return address

    @field_validator("slots")
    @classmethod
    def _power_of_two(cls, slots: int | str) -> int | str:
        if isinstance(slots, int) and slots & (slots - 1):
            raise ValueError(f"must be a power of two; nearest: {1 << (slots.bit_length() - 1)}")
        return slots


class Output(Section):
    """Where images go."""

    dir: str = setting(
        "genie-out", "Output folder for the images and the manifest.", option="out", metavar="DIR", min_length=1
    )
    format: Format = setting(Format.JPG, "Image file format.")
