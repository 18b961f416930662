"""The benchmark's arms make the same images, and its arithmetic is the models'."""

import argparse
import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import ada, independence, sd15, steps
from benchmarks.agreement import LIMIT, agreement
from benchmarks.arithmetic import flops
from benchmarks.authors import Authors
from benchmarks.command import Command
from benchmarks.figures import figures, ratio, required_flop
from benchmarks.options import add_work, work_from
from benchmarks.pipeline import Pipeline
from benchmarks.prepare import prepare
from benchmarks.work import Work, images_in, unet_steps
from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.diffusion import locate, snapshot, tokenizer
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.solver import Solver
from tests.manifests import a_job


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Two images by three UNet steps, prepared as the benchmark does."""
    monkeypatch.chdir(tmp_path)
    for module, name in ((locate, "locate"), (snapshot, "load")):  # which an arm keeps the results of
        monkeypatch.setattr(module, name, getattr(module, name))
    options = argparse.ArgumentParser()
    add_work(options, sources=1, targets=2)
    work = work_from(options.parse_args(["--steps", "4", "--device", "cpu"]), tmp_path)
    assert prepare(work)["model"] == "digits"
    return work


def test_arms_agree(work: Work) -> None:
    """Each arm makes all images; genie's are the authors', as decoded and as saved."""
    arms: dict[str, Authors | Pipeline | Command]
    arms = {"authors": Authors(work), "pipeline": Pipeline(work), "genie": Command(work)}
    for name, arm in arms.items():
        exact = work.folder / f"{name}-exact"
        exact.mkdir()
        arm.make(work.jobs, work.folder / f"{name}-images", exact)
        assert [file.stem for file in images_in(work.folder / f"{name}-images")] == sorted(j.id for j in work.jobs)
    differences = agreement(work, "genie", "authors")
    assert differences["exact"]["values"] == differences["files"]["values"] == 2 * 32 * 32 * 3
    assert differences["exact"]["most"] < LIMIT
    assert differences["files"]["most"] <= 1
    assert work.rows() == 2 * 2 * 3  # at r = 0.8 three of four steps run, for two images, guided


def test_random_weights_have_stable_diffusions_shape(tmp_path: Path) -> None:
    """Published: 859.52 M parameters in the UNet, 83.65 M in the VAE, 123.06 M in the text encoder."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**sd15.UNET), AutoencoderKL(**sd15.VAE)
        text = CLIPTextModel(CLIPTextConfig(**sd15.TEXT))
    counts = [sum(p.numel() for p in model.parameters()) for model in (unet, vae, text)]
    assert counts == [859_520_964, 83_653_863, 123_060_480]
    for name, model in {"unet": unet, "vae": vae}.items():
        model.save_config(tmp_path / name)
    flop = {part: count / 1e9 for part, count in flops(tmp_path).items()}
    assert flop == pytest.approx({"row": 803.3, "encode": 1117, "decode": 2515}, rel=1e-3)
    assert required_flop(flops(tmp_path), rows=80, images=1) == pytest.approx(66.8e12, rel=1e-3)  # an image at r = 0.8


def test_a_multiplication_counts_two() -> None:
    """The digits model's FLOP, against its layers' own shapes, seen while it runs."""
    seen = 0

    def see(module: torch.nn.Linear | torch.nn.Conv2d, given: tuple[torch.Tensor, ...], made: torch.Tensor) -> None:
        nonlocal seen
        fan_in = module.weight[0].numel()
        seen += 2 * fan_in * made.numel()

    unet = snapshot.load(locate.locate("digits"), "cpu").unet
    for module in unet.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            module.register_forward_hook(see)
    unet(torch.zeros(1, 4, 8, 8), 0, torch.zeros(1, 77, 64))
    counted = flops(locate.locate("digits").path)["row"]
    assert seen < counted < 1.2 * seen  # the rest is attention's own products


@given(st.integers(2, 500), st.floats(0.5, 1).map(lambda r: round(r, 3)))
def test_steps_are_the_solvers(steps: int, r: float) -> None:
    solver = Solver.build(torch.linspace(0.999, 0.005, 1000), steps)
    assert unet_steps(steps, r) == steps - solver.first_step(r)


def test_figures() -> None:
    """Two rounds of 10 images; the machine was half as fast in the second."""
    slow = [{"seconds": s, "peak FLOP/s": p, "memory": 5, "gpu memory": 0} for s, p in [(20.0, 100.0), (40.0, 50.0)]]
    fast = [{**r, "seconds": r["seconds"] / 4} for r in slow]
    flop = {"row": 9, "decode": 20}
    made = figures(fast, images=10, rows=20, flop=flop)
    assert (made["slowest"], made["images/s"], made["fastest"]) == (1.0, 1.5, 2.0)
    assert made["of peak"] == pytest.approx((20 * 9 + 10 * 20) / 5 / 100)
    assert ratio(fast, slow) == 4


def test_choices_are_compared_with_chance() -> None:
    """r .6, .6, .7, .8 and .6, .7, .7, .9: two of four alike; by chance .5 * .25 + .25 * .5 = .25."""
    jobs = {r: a_job(r=r) for r in (0.6, 0.7, 0.8, 0.9)}
    one, other = [jobs[r] for r in (0.6, 0.6, 0.7, 0.8)], [jobs[r] for r in (0.6, 0.7, 0.7, 0.9)]
    found = ada.compared(one, other)
    assert (found["equal"], found["equal by chance"], found["within .1"]) == (0.5, 0.25, 1.0)
    assert found["chosen"]["probes"] == {0.5: 0, 0.6: 0.25, 0.7: 0.5, 0.8: 0, 0.9: 0.25}


def test_ada_is_measured_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty choices; of 4 steps 2, 2, 2, 3 and 3 run at the five ratios, and a probe takes one."""
    DigitsInTheWild("test").save(tmp_path, per_class=2)
    found = tuple(scan(tmp_path).sources)
    groups = ada.choices_to_make(Dataset(tmp_path, found, found), "digits@1", episodes=1, shots=1, seed=0)
    result = ada.measure(groups, tmp_path, "digits", steps=4, rounds=1)
    assert (result["choices"], result["candidates"], result["steps"]["whole images"]) == (20, 100, 20 * 12)
    shares = result["chosen"]["probes"]
    wanted = 100 + sum(20 * share * unet_steps(4, r) for r, share in shares.items())
    assert result["steps"]["probes"] == pytest.approx(wanted)
    ada.report(result)
    assert "20 choices among 5 noise ratios; 100 candidates" in capsys.readouterr().out


def test_the_tokenizer_in_stable_diffusions_shape_is_whole_and_reads_prompts_as_the_bundled_one(tmp_path: Path) -> None:
    """genie refuses one whose merges do not make its tokens; what fills it up is in no prompt."""
    bundled = locate.locate("digits")
    folder = tmp_path / "model"
    shutil.copytree(bundled.path, folder)
    shutil.rmtree(folder / "tokenizer")
    sd15.tokenizer().save_pretrained(folder / "tokenizer")
    config = json.loads((folder / "text_encoder/config.json").read_text())
    shape = {name: sd15.TEXT[name] for name in ("vocab_size", "max_position_embeddings")}
    (folder / "text_encoder/config.json").write_text(json.dumps(config | shape))
    (found,), (ours,) = tokenizer.of(locate.locate(str(folder))), tokenizer.of(bundled)
    for prompt in ("A photo of a golden retriever", "cafe", "a photo of the digit seven, 7"):
        read, wanted = found.ids(prompt)[0].tolist(), ours.ids(prompt)[0].tolist()
        assert read[: len(wanted)] == wanted
        assert len(read) == sd15.TEXT["max_position_embeddings"]


def test_a_step_is_measured_with_a_cell_for_each_column() -> None:
    loaded = snapshot.load(locate.locate("digits"), "cpu")
    cells = steps.measure(loaded, 2, row_flop=10**8, most=10**12)
    assert len(steps.COLUMNS[3:]) == len(cells)
    per_step, per_slot, rate = (float(cell) for cell in cells[1:4])
    assert per_slot == pytest.approx(per_step / 2, abs=0.06)
    assert rate == pytest.approx(4 * 10**8 / (per_step / 1000) / 10**12, rel=0.05)


def test_images_are_the_same_in_any_order_and_company_and_a_difference_is_seen() -> None:
    engine = Engine[int](snapshot.load(locate.locate("digits"), "cpu"), slots=2, steps=3)
    wanted = independence.made(engine, [independence.request(number) for number in range(3)])
    alone = independence.made(engine, [independence.request(2)])
    assert independence.same(alone, wanted)
    alone[2][0, 0] ^= 1
    assert not independence.same(alone, wanted)
    assert independence.parts(engine) == "convolutions as matrix products: 0 in the unet, 0 in the vae"
