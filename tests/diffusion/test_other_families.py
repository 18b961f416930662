"""Models that genie does not run are recognized, and named with what would be needed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from genie_cli.diffusion.locate import locate
from genie_cli.errors import ModelError
from tests.diffusion.snapshots import copied, edit

INDEX, UNET, SCHEDULER = "model_index.json", "unet/config.json", "scheduler/scheduler_config.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copied(tmp_path / "model")


@pytest.mark.parametrize(
    ("file", "said", "name", "needs"),
    [
        (INDEX, {"_class_name": "StableDiffusionXLInpaintPipeline"}, "inpainting", "a mask"),
        (
            INDEX,
            {"_class_name": "StableDiffusionXLImg2ImgPipeline", "requires_aesthetics_score": True},
            "the refiner of Stable Diffusion XL",
            "a score of aesthetics",
        ),
        (INDEX, {"_class_name": "StableDiffusion3Pipeline"}, "Stable Diffusion 3", "flow matching"),
        (INDEX, {"_class_name": "FluxPipeline"}, "Flux", "flow matching"),
        (INDEX, {"_class_name": "LatentConsistencyModelPipeline"}, "(LCM)", "guidance as an input"),
        (INDEX, {"_class_name": "StableDiffusionInpaintPipeline"}, "inpainting", "a mask"),
        (INDEX, {"_class_name": "IFPipeline"}, "DeepFloyd IF", "T5"),
        (UNET, {"time_cond_proj_dim": 256}, "(LCM)", "guidance as an input"),
        (SCHEDULER, {"_class_name": "LCMScheduler", "original_inference_steps": 50}, "(LCM)", "sampler of few steps"),
        (SCHEDULER, {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, "(turbo)", "few steps"),
    ],
)
def test_it_is_named_with_what_would_be_needed(
    model: Path, file: str, said: dict[str, object], name: str, needs: str
) -> None:
    edit(model / file, **said)
    with pytest.raises(ModelError) as caught:
        locate(str(model))
    assert f"{model} is not supported: it is " in str(caught.value)
    assert name in str(caught.value).partition("which would need")[0]
    assert needs in str(caught.value).partition("which would need")[2]
    assert "stable-diffusion-v1-5" in caught.value.hint


def test_it_need_not_have_the_parts_of_stable_diffusion(model: Path) -> None:
    """A transformer in the place of the UNet is no missing UNet."""
    shutil.rmtree(model / "unet")
    edit(model / INDEX, _class_name="StableDiffusion3Pipeline", unet=None)
    with pytest.raises(ModelError, match="it is Stable Diffusion 3"):
        locate(str(model))


def test_a_model_that_was_not_distilled_says_how_to_go_on(model: Path) -> None:
    edit(model / SCHEDULER, timestep_spacing="trailing")
    with pytest.raises(ModelError) as caught:
        locate(str(model))
    assert "change timestep_spacing in scheduler/scheduler_config.json to leading" in caught.value.hint
    edit(model / SCHEDULER, timestep_spacing="leading")
    locate(str(model))


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"_class_name": 3}'])
def test_what_cannot_be_read_is_no_family(model: Path, content: str) -> None:
    for file in (INDEX, UNET, SCHEDULER):
        before = (model / file).read_text()
        (model / file).write_text(content)
        with pytest.raises(ModelError, match=file):
            locate(str(model))
        (model / file).write_text(before)
    assert json.loads((model / INDEX).read_text())["_class_name"] == "StableDiffusionPipeline"
