"""Plans are written whole and over nothing but plans, and the command beside them makes the same images."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import pytest

from genie_cli.config import Generate, Model, Settings
from genie_cli.data.dataset import Dataset
from genie_cli.diffusion.locate import locate
from genie_cli.errors import OutputError
from genie_cli.evaluate.obtain import command_for, prompts_for, require_plan_path, run_for, write_plan
from genie_cli.generate.run import Run
from genie_cli.jobs import Job, Method, Source
from genie_cli.observer import Observer

DIGITS = Model(name="digits", device="cpu", slots=4)


def job(target: str, source: str = "", replicate: int = 0, r: float = 0.8) -> Job:
    digest = hashlib.sha256(source.encode()).hexdigest()
    return Job(
        source=Source(path=source, sha256=digest, label="one") if source else None,
        target=target,
        prompt=f"A photo of a {target}",
        method=Method.GENIE if source else Method.TXT2IMG,
        r=r if source else 1,
        model=locate("digits").identity,
        replicate=replicate,
    )


JOBS = [job("two", "b.png"), job("two", "a.png"), job("three", "b.png"), job("two", "a.png"), job("two")]


def a_run(out: Path, **changes: Settings) -> Run:
    settings = changes.get("settings", Settings(model=DIGITS))
    return run_for(JOBS, out / "photos", settings, locate("digits"), out / "out", Observer())


def test_each_job_comes_once_and_source_by_source(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    assert [job.source.path if job.source else "" for job in run.jobs] == ["", "a.png", "b.png", "b.png"]
    assert {job.id for job in run.jobs} == {job.id for job in JOBS}
    assert (run.settings.output.dir, run.settings.output.format.value) == (str(tmp_path / "out/images"), "png")
    assert run.plan.source_root == tmp_path / "photos"


def test_probes_are_made_only_if_the_caller_says_so(tmp_path: Path) -> None:
    """And not because a variable that is meant for `genie generate` does."""
    settings = Settings(model=DIGITS, generate=Generate(probe=True))
    whole = a_run(tmp_path, settings=settings)
    assert whole.settings.generate.probe is False
    assert "--probe" not in command_for(whole, "-")
    probes = run_for(
        JOBS, tmp_path / "photos", Settings(model=DIGITS), locate("digits"), tmp_path, Observer(), probe=True
    )
    assert probes.settings.generate.probe
    assert probes.settings.output.dir == str(tmp_path / "probes")
    assert "--probe" in shlex.split(command_for(probes, "-"))
    assert "--steps" not in command_for(probes, "-")
    assert [job.id for job in probes.jobs] == [job.id for job in whole.jobs]


def test_a_plan_is_written_and_replaced(tmp_path: Path) -> None:
    run, path = a_run(tmp_path), tmp_path / "plan.jsonl"
    for _ in range(2):
        assert write_plan(run, path) == 4
        head, *rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert (head["kind"], head["source_root"]) == ("genie.plan", str(tmp_path / "photos"))
        assert [row["id"] for row in rows] == [job.id for job in run.jobs]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "mine", '{"kind":"genie.manifest"}\n'])
def test_somebody_elses_file_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text(content)
    with pytest.raises(OutputError, match=r"plan\.jsonl"):
        require_plan_path(path)
    with pytest.raises(OutputError, match=r"plan\.jsonl"):
        write_plan(a_run(tmp_path), path)
    assert path.read_text() == content


def test_a_folder_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=f"there is no folder {tmp_path / 'new'}"):
        require_plan_path(tmp_path / "new/plan.jsonl")


def test_the_command_repeats_what_decides_the_images(tmp_path: Path) -> None:
    usual = run_for(JOBS, tmp_path, Settings(model=Model(device="cpu")), locate("digits"), tmp_path, Observer())
    assert command_for(usual, "p.jsonl") == "genie generate --plan p.jsonl --format png"
    settings = Settings(
        model=Model(name="my models/sd", revision="abc", device="cpu", dtype="half", slots=8),
        generate=Generate(steps=20, guidance=5, seed=3, r=(0.5,)),
    )
    words = shlex.split(command_for(a_run(tmp_path, settings=settings), "my plan.jsonl"))
    assert words[:4] == ["genie", "generate", "--plan", "my plan.jsonl"]
    assert dict(zip(words[4::2], words[5::2], strict=True)) == {
        "--model": "my models/sd",
        "--revision": "abc",
        "--steps": "20",
        "--guidance": "5.0",
        "--dtype": "half",
        "--slots": "8",
        "--format": "png",
    }


@pytest.mark.parametrize(
    ("generate", "prompt"),
    [
        (Generate(), "A photo of a domestic cat, a type of pet"),
        (Generate(superclass=""), "A photo of a domestic cat"),
        (Generate(superclass="animal"), "A photo of a domestic cat, a type of animal"),
        (Generate(prompt="{target} and {target}"), "domestic cat and domestic cat, a type of pet"),
    ],
)
def test_a_superclass_that_anybody_has_set_overrides_the_data_sets(generate: Generate, prompt: str) -> None:
    dataset = Dataset(Path(), (), (), names={"cat": "domestic cat"}, superclass="pet")
    assert prompts_for(Settings(generate=generate), dataset)("cat") == (prompt,)
    assert prompts_for(Settings(), dataset)("dog") == ("A photo of a dog, a type of pet",)
