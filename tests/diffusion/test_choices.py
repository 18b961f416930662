"""What auto resolves to, that later runs in a folder keep the first one's choices, and how presets rank."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.cli._settings import resolve
from genie_cli.config import Model
from genie_cli.diffusion import choices, compiling
from genie_cli.diffusion.choices import choose, slots_that_fit
from genie_cli.diffusion.locate import Located, locate
from genie_cli.errors import ModelError, UsageError
from genie_cli.generate.binding import following
from genie_cli.header import RunSettings
from genie_cli.processor import multiplies_bfloat16
from tests.conftest import Genie

SIZES = st.integers(0, 2**40)
PARTS = st.integers(1, 2**34)


def header(out: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["settings"]
    return settings


@given(free=SIZES, weights=SIZES, step=PARTS, decode=PARTS, rows=st.integers(1, 8))
def test_slots_are_as_many_as_fit(free: int, weights: int, step: int, decode: int, rows: int) -> None:
    def need(slots: int) -> int:
        return weights + max(slots * step, min(slots, rows) * decode)

    slots = slots_that_fit(free, weights, step, decode, rows)
    assert slots in (1, 2, 4, 8, 16)
    assert slots == 1 or need(slots) <= free
    assert slots == 16 or need(2 * slots) > 0.79 * free  # twice as many would leave kernels no workspace
    assert slots <= slots_that_fit(2 * free, weights, step, decode, rows)


@given(
    steps=st.integers(0, 10**9),
    dtype=st.sampled_from(["float32", "bfloat16", "float16"]),
    gain=st.sampled_from([compiling.SMALL_ON_CPU, compiling.LARGE_ON_GPU]),
)
def test_compiling_must_pay_within_two_runs(steps: int, dtype: str, gain: compiling.Gain) -> None:
    choice = compiling.choose(steps, dtype, gain)
    assert (choice == "full") == (2 * steps * gain.saved.get(dtype, 0) >= gain.seconds)


@pytest.mark.parametrize("usable", [True, False])
def test_a_large_model_is_compiled_for_a_gpu_if_that_pays_and_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, usable: bool
) -> None:
    config = json.loads((locate("digits").path / "unet/config.json").read_text())
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet/config.json").write_text(json.dumps({**config, "sample_size": 64}))
    large = Located("large", tmp_path, "large@0")
    monkeypatch.setattr(choices, "choose_device", torch.device)
    monkeypatch.setattr(compiling, "works", lambda device: usable and device.type == "cuda")
    model = Model(device="cuda", slots=16)
    assert choose(model, large, lambda: 100).compile == "off"
    assert choose(model, large, lambda: 10**7).compile == ("full" if usable else "off")
    float32 = Model(device="cuda", slots=16, dtype="float32")
    assert choose(float32, large, lambda: 10**7).compile == "off"  # it was not measured
    assert choose(Model(device="cuda"), locate("digits"), lambda: 10**7).compile == "off"  # nor was this
    # On other machines it cannot be tried out.
    assert choose(model, large, lambda: 10**7, elsewhere=True).compile == "off"


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA works here")
def test_whether_compiling_works_is_tried_out() -> None:
    assert compiling.works(torch.device("cpu")) == bool(compiling.compiler())
    assert not compiling.works(torch.device("cuda"))


def test_auto_on_a_cpu() -> None:
    chosen = choose(Model(device="cpu"), locate("digits"), lambda: 1000)
    assert (chosen.dtype, chosen.slots, chosen.attention, chosen.compile) == ("float32", 32, "sdpa", "off")
    long = choose(Model(device="cpu"), locate("digits"), lambda: 10**7)
    assert long.compile == ("full" if compiling.compiler() else "off")
    assert choose(Model(device="cpu", attention="sliced"), locate("digits"), lambda: 10**7).compile == "off"


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA works here")
def test_a_device_of_other_machines_is_taken_as_it_is_named() -> None:
    chosen = choose(Model(device="cuda"), locate("digits"), lambda: 1000, elsewhere=True)
    assert (chosen.device.type, chosen.dtype, chosen.slots) == ("cuda", "float16", 32)
    with pytest.raises(ModelError, match="cannot be used"):
        choose(Model(device="cuda"), locate("digits"), lambda: 1000)


@pytest.mark.skipif(not compiling.compiler(), reason="needs a C++ compiler")
def test_a_limit_leaves_too_few_steps_to_compile(genie: Genie, tmp_path: Path) -> None:
    """Every shard counts the steps of all shards; without a limit this plan is worth compiling for."""
    command = ("--method", "txt2img", "--targets", "seven", "--per-target", "100000", "--dry-run", "--json")
    found = {}
    for more in ((), ("--limit", "8"), ("--limit", "8", "--shard", "2/2"), ("--limit", "90000", "--shard", "2/2")):
        lines = genie("generate", *command, *more).stdout.splitlines()
        found[more] = json.loads(lines[0])["settings"]["compile"]
    assert list(found.values()) == ["full", "off", "off", "full"]


@given(
    model=st.builds(
        Model,
        slots=st.sampled_from(["auto", 2]),
        attention=st.sampled_from(["auto", "sdpa"]),
        dtype=st.sampled_from(["auto", "half"]),
    ),
    begun=st.fixed_dictionaries(
        {},
        optional={"dtype": st.just("bfloat16"), "slots": st.sampled_from([8, 3, "x"]), "attention": st.just("sliced")},
    ),
)
def test_only_auto_follows_what_a_folder_was_started_with(model: Model, begun: dict[str, Any]) -> None:
    followed = following(model, RunSettings.model_construct(**begun))  # not validated: a header may be of any origin
    sensible = model.slots != "auto" or begun.get("slots", 8) == 8
    for name in ("slots", "attention", "dtype"):
        asked = getattr(model, name)
        expected = begun[name] if asked == "auto" and name in begun and sensible else asked
        assert getattr(followed, name) == expected


def test_a_resumed_run_follows_its_folder(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven", "--out", "out", "--slots")
    genie(*command, "8", "--attention", "sliced", "--limit", "2")
    result = genie(*command, "auto", "--limit", "4")
    assert result.exit_code == 0, result.output
    assert (header(tmp_path / "out")["slots"], header(tmp_path / "out")["attention"]) == (8, "sliced")
    refused = genie(*command, "auto", "--attention", "sdpa")
    assert refused.exit_code == 1
    assert 'attention: "sliced" -> "sdpa"' in refused.stderr


def test_a_preset_stands_between_file_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "genie.toml"
    file.write_text("[generate]\nsteps = 30\n")
    assert resolve(file, {"generate.preset": None}).generate.steps == 30
    assert resolve(file, {"generate.preset": "fast"}).generate.steps == 20
    assert resolve(file, {"generate.preset": "fast"}).model.dtype == "half"
    assert resolve(file, {"generate.preset": "fast", "generate.steps": 40}).generate.steps == 40
    assert resolve(file, {"generate.preset": "exact"}).generate.steps == 30
    file.write_text('[generate]\nsteps = 30\npreset = "fast"\n')
    assert resolve(file, {}).generate.steps == 20
    with pytest.raises(UsageError, match="--preset: 'faster' is not one of exact, fast; did you mean fast"):
        resolve(file, {"generate.preset": "faster"})


def test_the_header_says_what_a_preset_became(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven", "--per-target", "1", "--preset", "fast")
    assert genie(*command, "--out", "out").exit_code == 0
    used = header(tmp_path / "out")
    assert used["steps"] == 4  # the flag overrides the preset
    assert used["dtype"] == ("bfloat16" if multiplies_bfloat16() else "float32")
