"""A Stable Diffusion 1.x snapshot in memory: prompts to embeddings, images to latents, latents to images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.devices import choose_device, choose_dtype, first_line, keep_freed_memory, to_device
from genie_cli.diffusion import attention as attentions
from genie_cli.diffusion import compiling
from genie_cli.diffusion.locate import Located, read_config
from genie_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor


class Tokenizer:
    """Turns prompts into token ids, and refuses prompts that the model would truncate.

    Raises:
        ModelError: the snapshot's tokenizer cannot be loaded.
    """

    def __init__(self, located: Located) -> None:
        from transformers import CLIPTokenizer

        folder = located.path / "tokenizer"
        try:
            self._tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # a broken file makes the tokenizers library raise plain Exception
            raise _cannot_be_loaded(folder, "transformers", error) from None

    @property
    def limit(self) -> int:
        """Tokens that a prompt may have, including the start and end tokens: 77 for CLIP."""
        return int(self._tokenizer.model_max_length)

    def ids(self, prompt: str) -> Tensor:
        """Padded token ids, (1, limit), int64.

        Raises:
            UsageError: the prompt has more than ``limit`` tokens.
        """
        self.check(prompt)
        ids: Tensor = self._tokenizer(
            [prompt], padding="max_length", max_length=self.limit, return_tensors="pt"
        ).input_ids
        return ids

    def check(self, prompt: str) -> None:
        """Raise UsageError for a prompt with more than ``limit`` tokens, which the model would silently truncate."""
        count = len(self._tokenizer(prompt).input_ids)
        if count > self.limit:
            raise UsageError(
                f"the prompt has {count} tokens, the model reads {self.limit}: {prompt!r}",
                "shorten --prompt, --superclass or the target's name",
            )


@dataclass(frozen=True)
class Snapshot:
    """A loaded model, on one device in one precision.

    Attributes:
        identity: see `locate.Located`.
        text_encoder: transformers' CLIPTextModel.
        unet: diffusers' UNet2DConditionModel.
        vae: diffusers' AutoencoderKL.
        alphas_cumprod: (1000,), float64, on the CPU: abar of the training noise schedule.
        device: where the model is.
        dtype: precision of its weights.
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
        """(channels, height, width) of one latent."""
        side = self.unet.config.sample_size
        return (self.unet.config.in_channels, side, side)

    @cached_property
    def image_size(self) -> int:
        """Side of the square images that the model takes and makes, in pixels."""
        return int(self.latent_shape[1] * 2 ** (len(self.vae.config.block_out_channels) - 1))

    def embed(self, prompt: str) -> Tensor:
        """The prompt's text embedding, (tokens, width).

        Raises:
            UsageError: the prompt has more tokens than the model reads.
        """
        ids = to_device(self.tokenizer.ids(prompt), self.device)
        embedding: Tensor = self.text_encoder(ids).last_hidden_state[0]
        return embedding

    def resize_and_crop(self, image: Image.Image) -> Image.Image:
        """The image with its shorter side resized to `image_size`, and center-cropped, as the GeNIe authors do."""
        from torchvision.transforms.v2 import functional as transform

        square: Image.Image = transform.center_crop(transform.resize(image, [self.image_size]), [self.image_size])
        return square

    def encode(self, image: Image.Image) -> Tensor:
        """The scaled latent of an RGB image, (C, h, w), float32: the mode of the VAE's posterior, not a sample."""
        import torch
        from torchvision.transforms.v2 import functional as transform

        square = self.resize_and_crop(image)
        pixels = transform.to_dtype(transform.pil_to_tensor(square), torch.float32, scale=True) * 2 - 1
        mode = self.vae.encode(to_device(pixels[None].to(self.dtype), self.device)).latent_dist.mode()
        latent: Tensor = mode[0].float() * self.vae.config.scaling_factor
        return latent

    def decode(self, latents: Tensor) -> Tensor:
        """Decode scaled latents.

        In half precision a VAE can overflow. Rows that are not finite are decoded again in float32, one by one, so
        that their bytes do not depend on how many others overflow.

        Args:
            latents: (N, C, h, w), float32.

        Returns:
            (N, 3, H, W), float32, in 0..1; not a number where the latent itself is not finite.
        """
        import torch

        images = self._decode(latents, self.dtype)
        if self.dtype.itemsize < 4:
            self._decode_overflows_again(images, latents)
        # Clamping alone would turn an infinity into a valid black or white.
        return images.clamp(0, 1).where(images.isfinite(), torch.nan)

    def _decode_overflows_again(self, images: Tensor, latents: Tensor) -> None:
        """Replace, in place, images that are not finite by ones decoded in float32."""
        import torch

        bad = (~images.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
        if not bad:
            return
        try:
            torch.nn.Module.to(self.vae, torch.float32)  # diffusers' own `to` logs a warning
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
    """Load a snapshot.

    Args:
        located: where it is; see `locate.locate`.
        device: ``"auto"`` (CUDA if torch can use it, else the CPU) or a torch device.
        dtype: ``"auto"``, ``"half"``, ``"float32"``, ``"float16"`` or ``"bfloat16"``; see `devices.choose_dtype`.
        attention: how the UNet computes attention: ``"sdpa"``, ``"xformers"`` or ``"sliced"``; see `attention.use`.
        compiled: what of the UNet is compiled: ``"off"``, ``"regional"`` or ``"full"``; see `compiling.use`.

    Raises:
        ModelError: the device, the attention or the compilation does not work here, a part cannot be loaded, or the
            model does not fit into the device's memory.
    """
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    _no_progress_bars()
    where = choose_device(device)
    if where.type == "cpu":
        keep_freed_memory()
    precision = choose_dtype(dtype, where)
    load_part = partial(_load_part, located, device=where, dtype=precision)
    unet = load_part(UNet2DConditionModel, "unet").to(memory_format=torch.channels_last)
    attentions.use(attention, unet, where, precision)
    compiling.use(compiled, unet, where)
    return Snapshot(
        identity=located.identity,
        tokenizer=Tokenizer(located),
        text_encoder=load_part(CLIPTextModel, "text_encoder"),
        unet=unet,
        vae=load_part(AutoencoderKL, "vae").to(memory_format=torch.channels_last),
        alphas_cumprod=_alphas_cumprod(located.path),
        device=where,
        dtype=precision,
    )


def _load_part(located: Located, model_class: Any, name: str, *, device: torch.device, dtype: torch.dtype) -> Any:
    """One of the snapshot's networks, in evaluation mode; ModelError if it cannot be loaded."""
    import torch

    folder = located.path / name
    keywords = {"variant": "fp16"} if _takes_fp16_variant(folder, half=dtype.itemsize < 4) else {}
    try:
        model = model_class.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=dtype, **keywords
        )
        return model.to(device).eval().requires_grad_(False)
    except torch.OutOfMemoryError:
        hint = "free some of the device's memory, or use --dtype float16 or --device cpu"
        raise ModelError(f"{located.name} does not fit into the memory of {device}", hint) from None
    except Exception as error:  # a broken file makes the safetensors library raise plain Exception
        library = model_class.__module__.partition(".")[0]
        raise _cannot_be_loaded(folder, library, error) from None


def _cannot_be_loaded(folder: Path, library: str, error: Exception) -> ModelError:
    return ModelError(
        f"{folder} cannot be loaded: a file is damaged, missing or of another model; "
        f"{library} says: {first_line(error)}",
        "download or copy the model again",
    )


def _no_progress_bars() -> None:
    """Turn off the libraries' own progress bars, which would break up the caller's."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def _takes_fp16_variant(folder: Path, half: bool) -> bool:
    """Whether to read the files named ``*.fp16.safetensors``: in half precision, or when there are no others."""
    names = [file.name for file in folder.glob("*.safetensors")]
    fp16 = [name for name in names if ".fp16." in name]
    return bool(fp16) and (half or len(fp16) == len(names))


def _alphas_cumprod(path: Path) -> Tensor:
    """abar of the scheduler's training noise schedule, (1000,), float64."""
    from diffusers import DPMSolverMultistepScheduler

    config = read_config(path / "scheduler" / "scheduler_config.json")
    noise = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    schedule = DPMSolverMultistepScheduler(**{key: config[key] for key in noise if key in config})
    if len(schedule.alphas_cumprod) != 1000:
        raise ModelError(
            f"{path} is not supported: it has {len(schedule.alphas_cumprod)} training timesteps, and 1000 are expected",
            "use a Stable Diffusion 1.x model",
        )
    abar: Tensor = schedule.alphas_cumprod.double()
    return abar
