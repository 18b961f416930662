"""A Stable Diffusion snapshot in memory: images to latents, what the UNet predicts of them, latents to images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.devices import choose_device, choose_dtype, keep_freed_memory, to_device
from genie_cli.diffusion import attention as attentions
from genie_cli.diffusion import (
    compiling,
    configuration,
    convolutions,
    linear_layers,
    lora,
    network,
    prompt_encoder,
    trial,
)
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.family import Embedding
from genie_cli.diffusion.libraries import draw_no_bars, guarded
from genie_cli.diffusion.locate import Located
from genie_cli.diffusion.parts import Scheduler
from genie_cli.diffusion.prompt_encoder import PromptEncoder
from genie_cli.diffusion.solver import Prediction
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

_BETAS = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "rescale_betas_zero_snr")


@dataclass(frozen=True)
class Snapshot:
    """A loaded model, on one device in one precision.

    Attributes:
        identity: see `locate.Located`.
        side: of the square latents, in latent pixels.
        prediction: what the UNet predicts.
        prompts: its tokenizers and text encoders.
        unet: diffusers' UNet2DConditionModel.
        vae: diffusers' AutoencoderKL.
        alphas_cumprod: (1000,), float64, on the CPU: abar of the training noise schedule.
        device: where the model is.
        dtype: precision of its weights; the autoencoder may have a wider one.
        order: of the UNet's weights and inputs in memory.
    """

    identity: str
    side: int
    prediction: Prediction
    prompts: PromptEncoder
    unet: Any
    vae: Any
    alphas_cumprod: Tensor
    device: torch.device
    dtype: torch.dtype
    order: torch.memory_format

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one latent."""
        return (4, self.side, self.side)

    @cached_property
    def image_size(self) -> int:
        """Side of the square images that the model takes and makes, in pixels."""
        return int(self.latent_shape[1] * 2 ** (len(self.vae.config.block_out_channels) - 1))

    def predict(self, latents: Tensor, timesteps: Tensor, embeddings: Embedding) -> Tensor:
        """What the UNet predicts.

        Args:
            latents: (N, C, h, w), in any precision.
            timesteps: (N,).
            embeddings: of N prompts, as of `PromptEncoder.embed`.

        Returns:
            (N, C, h, w), float32.
        """
        return self._predict(self.unet, latents, timesteps, embeddings)

    def _predict(self, unet: Any, latents: Tensor, timesteps: Tensor, embeddings: Embedding) -> Tensor:
        inputs = self.prompts.family.inputs(embeddings)
        predicted: Tensor = unet(latents.to(self.dtype, memory_format=self.order), timesteps, **inputs).sample
        return predicted.float()

    def prepare(self, rows: int, decoded: int) -> None:
        """Make a row's results independent of its place in a batch, which on a GPU they are not by themselves.

        Args:
            rows: those of the UNet's batch.
            decoded: latents in a batch of the decoder.
        """
        import torch

        if self.device.type != "cuda":
            return
        latents = torch.zeros(max(rows, decoded), *self.latent_shape, device=self.device)
        steps = torch.zeros(rows, dtype=torch.long, device=self.device)
        embeddings = tuple(each.expand(rows, *each.shape) for each in self.prompts.embed(""))
        # By `forward`, which is not what was compiled:
        convolutions.use(self.unet, lambda: self._predict(self.unet.forward, latents[:rows], steps, embeddings))
        convolutions.use(self.vae, lambda: self._decode(latents[:decoded], self.vae.dtype))

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
        mode = self.vae.encode(to_device(pixels[None].to(self.vae.dtype), self.device)).latent_dist.mode()
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

        images = self._decode(latents, self.vae.dtype)
        if self.vae.dtype.itemsize < 4:
            self._decode_overflows_again(images, latents)
        # Clamping alone would turn an infinity into a valid black or white.
        return images.clamp(0, 1).where(images.isfinite(), torch.nan)

    def _decode_overflows_again(self, images: Tensor, latents: Tensor) -> None:
        """Replace, in place, images that are not finite by ones decoded in float32."""
        import torch

        bad = (~images.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
        if not bad:
            return
        before = self.vae.dtype
        try:
            torch.nn.Module.to(self.vae, torch.float32)  # diffusers' own `to` logs a warning
            for row in bad:
                images[row] = self._decode(latents[row : row + 1], torch.float32)[0]
        finally:
            torch.nn.Module.to(self.vae, before)

    def _decode(self, latents: Tensor, dtype: torch.dtype) -> Tensor:
        decoded: Tensor = self.vae.decode((latents / self.vae.config.scaling_factor).to(dtype)).sample
        return decoded.float() / 2 + 0.5


def load(
    located: Located, device: str = "auto", dtype: str = "auto", attention: str = "sdpa", compiled: str = "off"
) -> Snapshot:
    """Load a snapshot.

    Args:
        located: where it is; see `locate.locate`.
        device: ``"auto"``, see `devices.choose_device`, or a torch device.
        dtype: ``"auto"``, ``"half"``, ``"float32"``, ``"float16"`` or ``"bfloat16"``; see `devices.choose_dtype`.
        attention: how the UNet computes attention: ``"sdpa"``, ``"xformers"`` or ``"sliced"``; see `attention.use`.
        compiled: what of the UNet is compiled: ``"off"``, ``"regional"`` or ``"full"``; see `compiling.use`.

    Raises:
        ModelError: the device, the attention or the compilation does not work here, a part is damaged, not whole or of
            another model, or the model does not fit into the device's memory.
    """

    where = choose_device(device)
    _prepare(where)
    precision = choose_dtype(dtype, where)
    found = configuration.read(located.path)
    prompts = prompt_encoder.load(located, found.family, where, precision)
    order = _order(where, compiled)
    unet = network.load(located, "unet", where, precision).to(memory_format=order)
    _fuse(located.adapters, unet, prompts)
    if compiled != "regional":  # torch.compile does not take what they become
        linear_layers.use(unet, where, precision)
    attentions.use(attention, unet, where, precision)
    # Before it is compiled, which is for the shapes of its first call:
    trial.run(located.path, unet, prompts, where, precision)
    compiling.use(compiled, unet, where)
    vae_precision = found.family.vae_dtype(precision)
    vae = network.load(located, "vae", where, vae_precision).to(memory_format=_order(where))
    trial.run_vae(located.path, vae, where, vae_precision)
    return Snapshot(
        identity=located.identity,
        side=found.unet.side,
        prediction=found.scheduler.prediction_type,
        prompts=prompts,
        unet=unet,
        vae=vae,
        alphas_cumprod=_alphas_cumprod(located.path),
        device=where,
        dtype=precision,
        order=order,
    )


def _order(device: torch.device, compiled: str = "off") -> torch.memory_format:
    """Of weights in memory. On a GPU, torch's group norm returns its result in the usual order, whatever its input's
    is: with channels last, each convolution would first have to bring it back. Compiled code fuses the two."""
    import torch

    return torch.contiguous_format if device.type == "cuda" and compiled != "full" else torch.channels_last


def _fuse(adapters: Sequence[Adapter], unet: Any, prompts: PromptEncoder) -> None:
    """Add the LoRAs to the networks."""
    encoders = dict(zip(prompts.family.text_encoders, prompts.networks, strict=True))
    for adapter in adapters:
        if adapter.kind == "lora":
            lora.fuse(adapter, {"unet": unet, **encoders})


def _prepare(device: torch.device) -> None:
    """Set up memory, and turn off the libraries' own progress bars."""
    if device.type == "cpu":
        keep_freed_memory()
    draw_no_bars()


def _alphas_cumprod(path: Path) -> Tensor:
    """abar of the scheduler's training noise schedule, (1000,), float64: from nearly 1 down to nearly 0."""
    from diffusers import DPMSolverMultistepScheduler

    file = path / "scheduler/scheduler_config.json"
    found = configuration.read_part(file, Scheduler)
    noise = {name: value for name, value in found.stated().items() if name in _BETAS and value is not None}

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{file} is not supported: {reason}", configuration.AGAIN)

    with guarded(refuse):
        abar: Tensor = DPMSolverMultistepScheduler(**noise).alphas_cumprod.double()
    if len(abar) != found.num_train_timesteps:
        raise refuse(f"it has {len(abar)} betas for {found.num_train_timesteps} training timesteps")
    if not (bool((abar > 0).all()) and bool((abar < 1).all()) and bool((abar.diff() < 0).all())):
        raise refuse("its noise does not grow with the timestep, from little to not quite nothing but noise")
    return abar
