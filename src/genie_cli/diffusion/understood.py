"""What of a configuration is understood. Whatever else it says must be off, or the images would be another model's.

A pipeline may honour a setting that this engine does not know, and would then make other images of the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator


def _named(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Written into configurations by libraries, and of no consequence for what a network computes.
_NOTES = frozenset({"auto_map", "attn_implementation", "model_type", "architectures", "torch_dtype", "dtype"})
# Of transformers: how texts are generated, what outputs are returned, and how weights were made before training.
OF_TRANSFORMERS = _NOTES | _named(
    "attention_dropout dropout initializer_factor initializer_range projection_dim transformers_version "
    "transformers_weights bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id "
    "forced_bos_token_id forced_eos_token_id use_cache return_dict output_attentions output_hidden_states "
    "chunk_size_feed_forward tie_word_embeddings id2label label2id tokenizer_class max_length min_length "
    "early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p repetition_penalty "
    "length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size num_return_sequences output_scores "
    "return_dict_in_generate remove_invalid_values gradient_checkpointing"
)
# Of diffusers' samplers: which steps they take. This engine has a solver of its own, for any noise schedule.
OF_SAMPLERS = _NOTES | _named(
    "steps_offset set_alpha_to_one skip_prk_steps clip_sample clip_sample_range sample_max_value "
    "dynamic_thresholding_ratio timestep_spacing solver_order algorithm_type solver_type lower_order_final "
    "euler_at_final use_karras_sigmas use_exponential_sigmas use_beta_sigmas use_lu_lambdas lambda_min_clipped "
    "final_sigmas_type interpolation_type flow_shift time_shift_type predict_x0 solver_p disable_corrector "
    "corrector_order predictor_order tau_func sigma_min sigma_max noise_sampler_seed"
)
OF_DIFFUSERS = _NOTES
# Of diffusers' pipelines: what looks at an image that is made. The watermark of Stable Diffusion XL is not drawn here.
OF_PIPELINES = frozenset({"safety_checker", "feature_extractor", "requires_safety_checker", "add_watermarker"})

# The samplers of diffusers for a model of noise levels that are betas; others are for models that are made otherwise.
SamplerName = Literal[
    "DDIMScheduler",
    "DDPMScheduler",
    "PNDMScheduler",
    "LMSDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "DEISMultistepScheduler",
    "UniPCMultistepScheduler",
    "DPMSolverSDEScheduler",
]


def is_off(value: object) -> bool:
    """Whether a value says that something is not there, as the defaults of diffusers do."""
    if isinstance(value, list | tuple):
        return all(map(is_off, value))
    return value is None or value is False or value in (0, "", {})


def others(said: Mapping[str, Any], ignored: frozenset[str]) -> list[str]:
    """The names of settings that are neither off, nor among those ignored, nor notes of a library (``_name``)."""
    return [name for name in said if not (name.startswith("_") or name in ignored or is_off(said[name]))]


def _off(value: object) -> object:
    if not is_off(value):
        raise ValueError("must be null, since the engine gives a model nothing of the kind")
    return value


Off = Annotated[Any, AfterValidator(_off)]  # the type of a setting that is known, and has to be off
