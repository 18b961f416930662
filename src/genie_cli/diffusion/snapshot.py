"""A Stable Diffusion 1.x snapshot in memory: prompts to embeddings, images to latents, latents to images.

This module does not know the solver, jobs or files out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.devices import choose_device, keep_freed_memory, to_device
from genie_cli.diffusion import attention as attending
from genie_cli.diffusion import compiling
from genie_cli.diffusion.choices import choose_dtype
from genie_cli.diffusion.locate import Located, read_config
from genie_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor


class Tokenizer:
    """Prompts to token ids, and the check that none is cut short."""

    def __init__(self, located: Located) -> None:
        from transformers import CLIPTokenizer

        folder = located.path / "tokenizer"
        try:
            self._words = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # a broken file makes the tokenizers library raise plain Exception
            raise ModelError(f"{folder} does not load: {error}") from None

    @property
    def limit(self) -> int:
        """Tokens a prompt may have, the two end marks included: 77 for CLIP."""
        return int(self._words.model_max_length)

    def ids(self, prompt: str) -> Tensor:
        """Padded ids, (1, limit), int64.

        Raises:
            UsageError: the prompt is longer than the model reads; it would be cut in silence.
        """
        self.check(prompt)
        ids: Tensor = self._words([prompt], padding="max_length", max_length=self.limit, return_tensors="pt").input_ids
        return ids

    def check(self, prompt: str) -> None:
        """Raise UsageError for a prompt that the model would cut in silence."""
        count = len(self._words(prompt).input_ids)
        if count > self.limit:
            raise UsageError(
                f"the prompt has {count} tokens, the model reads {self.limit}: {prompt!r}",
                "shorten --prompt, --superclass or the target's name",
            )


@dataclass(frozen=True)
class Snapshot:
    """The loaded parts, on one device in one precision.

    Attributes:
        image_size: side of the square images it takes and makes, in pixels.
        latent_shape: (channels, height, width) of one latent.
        alphas_cumprod: (1000,), float64, on the CPU: the training noise schedule.
    """

    identity: str
    tokenizer: Tokenizer
    text_encoder: Any
    unet: Any
    vae: Any
    alphas_cumprod: Tensor
    device: torch.device
    dtype: torch.dtype

    @cached_property
    def latent_shape(self) -> tuple[int, int, int]:
        side = self.unet.config.sample_size
        return (self.unet.config.in_channels, side, side)

    @cached_property
    def image_size(self) -> int:
        return int(self.latent_shape[1] * 2 ** (len(self.vae.config.block_out_channels) - 1))

    def embed(self, prompt: str) -> Tensor:
        """The prompt's text embedding, (tokens, width)."""
        ids = to_device(self.tokenizer.ids(prompt), self.device)
        embedding: Tensor = self.text_encoder(ids).last_hidden_state[0]
        return embedding

    def resize_and_crop(self, image: Image.Image) -> Image.Image:
        """The image resized by its shorter side and cropped at the centre, as the authors do; a fit one stays."""
        from torchvision.transforms.v2 import functional as transform

        square: Image.Image = transform.center_crop(transform.resize(image, [self.image_size]), [self.image_size])
        return square

    def encode(self, image: Image.Image) -> Tensor:
        """The scaled latent of an RGB image, (C, h, w), float32: the posterior's mode, not a sample."""
        import torch
        from torchvision.transforms.v2 import functional as transform

        square = self.resize_and_crop(image)
        pixels = transform.to_dtype(transform.pil_to_tensor(square), torch.float32, scale=True) * 2 - 1
        mode = self.vae.encode(to_device(pixels[None].to(self.dtype), self.device)).latent_dist.mode()
        latent: Tensor = mode[0].float() * self.vae.config.scaling_factor
        return latent

    def decode(self, latents: Tensor) -> Tensor:
        """Images in 0..1, (N, 3, H, W), float32, of scaled latents (N, C, h, w).

        In half precision a VAE can overflow, so a row that is not finite is decoded once more in float32: alone, or
        its bytes would depend on how many others overflow. It is still not finite if its latent is not.
        """
        import torch

        images = self._decode(latents, self.dtype)
        if self.dtype.itemsize < 4:
            self._mend(images, latents)
        # An infinity stays what it is not: clamped it would pass for white or black.
        return images.clamp(0, 1).where(images.isfinite(), torch.nan)

    def _mend(self, images: Tensor, latents: Tensor) -> None:
        """Decode once more, in place, the images that are not finite."""
        import torch

        bad = (~images.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
        if not bad:
            return
        try:
            torch.nn.Module.to(self.vae, torch.float32)  # diffusers' own `to` would comment on it
            for row in bad:
                images[row] = self._decode(latents[row : row + 1], torch.float32)[0]
        finally:
            torch.nn.Module.to(self.vae, self.dtype)

    def _decode(self, latents: Tensor, dtype: torch.dtype) -> Tensor:
        decoded: Tensor = self.vae.decode((latents / self.vae.config.scaling_factor).to(dtype)).sample
        return decoded.float() / 2 + 0.5


def load(
    located: Located, device: str = "auto", dtype: str = "auto", attention: str = "sdpa", compiled: str = "off"
) -> Snapshot:
    """Load a located snapshot.

    Args:
        device: ``"auto"`` (CUDA if there is any, else the CPU) or a torch device.
        dtype: ``"auto"`` (float16 on CUDA, else float32), ``"half"``, ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        attention: how the UNet attends: see `attention.use`.
        compiled: how the UNet is compiled: see `compiling.use`.

    Raises:
        ModelError: the device is not there, a part does not load, or attention or compilation do not work here.
    """
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    _no_progress_bars()
    where = choose_device(device)
    if where.type == "cpu":
        keep_freed_memory()
    precision = choose_dtype(dtype, where)
    half = precision.itemsize < 4

    def part(model_class: Any, name: str) -> Any:
        folder = located.path / name
        keywords = {"variant": "fp16"} if _takes_fp16_variant(folder, half) else {}
        try:
            model = model_class.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, dtype=precision, **keywords
            )
            return model.to(where).eval().requires_grad_(False)
        except Exception as error:  # a broken file makes the safetensors library raise plain Exception
            raise ModelError(f"{folder} does not load: {error}") from None

    unet = part(UNet2DConditionModel, "unet").to(memory_format=torch.channels_last)
    attending.use(attention, unet, where, precision)
    compiling.use(compiled, unet, where)
    return Snapshot(
        identity=located.identity,
        tokenizer=Tokenizer(located),
        text_encoder=part(CLIPTextModel, "text_encoder"),
        unet=unet,
        vae=part(AutoencoderKL, "vae").to(memory_format=torch.channels_last),
        alphas_cumprod=_alphas_cumprod(located.path),
        device=where,
        dtype=precision,
    )


def _no_progress_bars() -> None:
    """What loads is the caller's to show; the libraries' own bars would land in the middle of it."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def _takes_fp16_variant(folder: Path, half: bool) -> bool:
    """Whether to read the files called ``*.fp16.safetensors``: in half precision, or when there are no others."""
    names = [file.name for file in folder.glob("*.safetensors")]
    fp16 = [name for name in names if ".fp16." in name]
    return bool(fp16) and (half or len(fp16) == len(names))


def _alphas_cumprod(path: Path) -> Tensor:
    from diffusers import DPMSolverMultistepScheduler

    config = read_config(path / "scheduler" / "scheduler_config.json")
    noise = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    schedule = DPMSolverMultistepScheduler(**{key: config[key] for key in noise if key in config})
    if len(schedule.alphas_cumprod) != 1000:
        raise ModelError(f"{path}: {len(schedule.alphas_cumprod)} training timesteps, 1000 expected")
    abar: Tensor = schedule.alphas_cumprod.double()
    return abar
