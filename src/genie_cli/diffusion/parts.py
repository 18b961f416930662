"""What genie reads of the configuration of each part: types and ranges in which a Stable Diffusion model can be.

Values are passed on to libraries that trust them: a size of 10^9 would be allocated, a depth of 10^9 built, and for
what is missing there is a default, of another model. So what every version has written is required, and what is not
understood is refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from genie_cli.diffusion import understood
from genie_cli.diffusion.understood import Off
from genie_cli.errors import shorten

MAX_IMAGE_SIDE = 4096  # pixels
_TRAINED_SIDE = 64  # latent pixels that Stable Diffusion 1.x was trained at
_SIZES_ARE_RIGHT = (0, 9)  # the version of diffusers since which `sample_size` is what a model was trained at

Width = Annotated[int, Field(ge=1, le=8192)]
Depth = Annotated[int, Field(ge=1, le=32)]
Kernel = Annotated[int, Field(ge=1, le=15)]
Side = Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)]
Sides = Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Beta = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Words = Annotated[tuple[str, ...], Field(min_length=1, max_length=6)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=6)]
Depths = Annotated[tuple[Depth, ...], Field(min_length=1, max_length=6)]


class Configuration(BaseModel):
    """A part's JSON configuration. Defaults are those of diffusers. What has no field must be off, or `ignored`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")
    ignored: ClassVar[frozenset[str]] = understood.OF_DIFFUSERS

    @model_validator(mode="after")
    def _has_nothing_else(self) -> Self:
        if others := understood.others(self.model_extra or {}, self.ignored):
            raise ValueError(f"genie does not know its setting {shorten(others)}, which may change what it computes")
        return self

    def stated(self) -> dict[str, Any]:
        """The settings that have a field, by name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class _Network(Configuration):
    quantization_config: None = None  # quantized weights are other weights


class UNet(_Network):
    """The denoiser. Blocks are listed from the outermost to the innermost."""

    kind: Literal["UNet2DConditionModel"] | None = Field(None, alias="_class_name")
    version: str = Field("", alias="_diffusers_version", max_length=64)
    sample_size: Side | Sides
    in_channels: int
    out_channels: Literal[4]
    block_out_channels: Widths
    down_block_types: Words
    up_block_types: Words
    mid_block_type: str | None = None
    layers_per_block: Depth | Depths
    cross_attention_dim: Width
    attention_head_dim: Width | Widths
    norm_num_groups: Width
    norm_eps: Fraction
    act_fn: str
    flip_sin_to_cos: bool
    freq_shift: Annotated[int, Field(ge=0, le=8)]
    downsample_padding: Annotated[int, Field(ge=0, le=8)]
    mid_block_scale_factor: Finite
    # What older versions of diffusers do not know, and leave out:
    transformer_layers_per_block: Depth | Depths = 1
    num_attention_heads: Width | Widths | None = None
    dropout: Fraction = 0.0
    resnet_out_scale_factor: Finite = 1.0
    conv_in_kernel: Kernel = 3
    conv_out_kernel: Kernel = 3
    time_embedding_dim: Width | None = None
    time_embedding_act_fn: str | None = None
    timestep_post_act: str | None = None
    resnet_time_scale_shift: str = "default"
    time_embedding_type: str = "positional"
    cross_attention_norm: str | None = None
    center_input_sample: bool = False
    only_cross_attention: bool | tuple[bool, ...] = False
    mid_block_only_cross_attention: bool | None = None
    dual_cross_attention: bool = False
    use_linear_projection: bool = False
    upcast_attention: bool | None = False
    resnet_skip_time_act: bool = False
    # Inputs besides the latent, the timestep and the text, of other models:
    time_cond_proj_dim: Off = None
    encoder_hid_dim: Off = None
    encoder_hid_dim_type: Off = None
    class_embed_type: Off = None
    num_class_embeds: Off = None
    class_embeddings_concat: Off = False
    attention_type: Literal["default"] = "default"
    addition_embed_type: str | None = None
    addition_time_embed_dim: Width | None = None
    addition_embed_type_num_heads: Width = 64
    projection_class_embeddings_input_dim: Width | None = None

    @property
    def side(self) -> int:
        """Side of the square latents that the model was trained at, in latent pixels."""
        if self.is_halved:
            return _TRAINED_SIDE
        return self.sample_size if isinstance(self.sample_size, int) else self.sample_size[0]

    @property
    def is_halved(self) -> bool:
        """Whether `sample_size` is half of what it should be, by the rule of diffusers for configurations of 2022."""
        number = re.match(r"(\d{1,4})\.(\d{1,4})", self.version)
        is_old = number is not None and tuple(map(int, number.groups())) < _SIZES_ARE_RIGHT
        return is_old and isinstance(self.sample_size, int) and self.sample_size < _TRAINED_SIDE

    @model_validator(mode="after")
    def _square(self) -> Self:
        if not isinstance(self.sample_size, int) and len(set(self.sample_size)) > 1:
            raise ValueError("sample_size must be one number, since genie makes square images")
        return self


class VAE(_Network):
    """The autoencoder between images and latents."""

    kind: Literal["AutoencoderKL"] | None = Field(None, alias="_class_name")
    in_channels: Literal[3]
    out_channels: Literal[3]
    latent_channels: Literal[4]
    block_out_channels: Widths
    down_block_types: Words
    up_block_types: Words
    layers_per_block: Depth
    act_fn: str
    sample_size: Side | Sides = 32
    # What older versions of diffusers do not know, and leave out:
    norm_num_groups: Width = 32
    scaling_factor: Annotated[float, Field(gt=1e-4, lt=1e4, allow_inf_nan=False)] = 0.18215
    shift_factor: Off = None
    latents_mean: Off = None
    latents_std: Off = None
    force_upcast: bool = True
    use_quant_conv: bool = True
    use_post_quant_conv: bool = True
    mid_block_add_attention: bool = True

    @property
    def factor(self) -> int:
        """Pixels of an image per latent pixel, along a side."""
        return int(2 ** (len(self.block_out_channels) - 1))


class TextEncoder(_Network):
    """CLIP's text model."""

    ignored = understood.OF_TRANSFORMERS
    model_type: Literal["clip_text_model"] | None = None
    vocab_size: Annotated[int, Field(ge=3, le=1 << 20)]
    hidden_size: Width
    intermediate_size: Annotated[int, Field(ge=1, le=1 << 16)]
    num_hidden_layers: Annotated[int, Field(ge=1, le=128)]
    num_attention_heads: Width
    max_position_embeddings: Annotated[int, Field(ge=3, le=4096)]
    hidden_act: str
    layer_norm_eps: Fraction


class ProjectedTextEncoder(TextEncoder):
    """CLIP's text model with the projection of its last token, the embedding of a prompt as a whole."""

    projection_dim: Width
    eos_token_id: Annotated[int, Field(ge=0, lt=1 << 20)]  # 2, of old files, stands for the highest token


class Scheduler(Configuration):
    """The noise schedule that the model was trained with: betas, or how they are computed."""

    ignored = understood.OF_SAMPLERS
    kind: understood.SamplerName | None = Field(None, alias="_class_name")
    num_train_timesteps: Annotated[int, Field(ge=1, le=10_000)]
    beta_start: Beta | None = None
    beta_end: Beta | None = None
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] | None = None
    trained_betas: Annotated[tuple[Beta, ...], Field(min_length=1, max_length=10_000)] | None = None
    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"
    rescale_betas_zero_snr: bool = False
    thresholding: Off = False
    use_flow_sigmas: Off = False
    use_dynamic_shifting: Off = False
    timestep_type: Literal["discrete"] = "discrete"
    variance_type: Literal["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"] | None = None

    @model_validator(mode="after")
    def _has_betas(self) -> Self:
        if self.rescale_betas_zero_snr and self.prediction_type == "epsilon":
            raise ValueError("rescale_betas_zero_snr: where all is noise, predicted noise says nothing of an image")
        if self.trained_betas is None:
            needed = ("beta_start", "beta_end", "beta_schedule")
            if missing := [name for name in needed if getattr(self, name) is None]:
                raise ValueError(f"it has neither trained_betas nor {', '.join(missing)}")
        return self


class Index(Configuration):
    """`model_index.json`: the class of the pipeline, and which library's class reads each part."""

    ignored = understood.OF_PIPELINES
    unet: tuple[str, Literal["UNet2DConditionModel"]] | None = None
    vae: tuple[str, Literal["AutoencoderKL"]] | None = None
    text_encoder: tuple[str, Literal["CLIPTextModel", "CLIPTextModelWithProjection"]] | None = None
    tokenizer: tuple[str, Literal["CLIPTokenizer", "CLIPTokenizerFast"]] | None = None
    scheduler: tuple[str, str] | None = None  # of which its own configuration says more


class IndexSD(Index):
    """`model_index.json` of Stable Diffusion 1.x and 2.x."""

    kind: Literal["StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"] | None = Field(None, alias="_class_name")


class IndexXL(Index):
    """`model_index.json` of Stable Diffusion XL."""

    kind: Literal["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"] | None = Field(
        None, alias="_class_name"
    )
    text_encoder_2: tuple[str, Literal["CLIPTextModelWithProjection"]] | None = None
    tokenizer_2: tuple[str, Literal["CLIPTokenizer", "CLIPTokenizerFast"]] | None = None
    force_zeros_for_empty_prompt: bool = True
