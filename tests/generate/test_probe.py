"""`genie generate --probe`: a run like any other, of images that are never taken for whole ones."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genie_cli.cli.app import app
from tests.conftest import Genie, tree
from tests.generate.command import rows

Probe = Callable[..., Result]
FEW = ("--targets", "seven", "--r", "0.5,0.8", "--limit", "6")


@pytest.fixture
def probe(genie: Genie, photos: Path) -> Probe:
    """Runs `genie generate` with few jobs and without --steps, which --probe refuses."""
    del genie  # its folder and environment are all that is needed

    def run(*words: object, options: tuple[str, ...] = (*FEW, "--probe"), stdin: str | None = None) -> Result:
        command = ["generate", "--model", "digits", "--slots", "4", *options, *map(str, words)]
        command += [] if "--plan" in command else ["--src-dir", str(photos)]
        return CliRunner().invoke(app, command, input=stdin, catch_exceptions=False)

    return run


def header(out: Path) -> dict[str, dict[str, object]]:
    return dict(json.loads((out / "manifest.jsonl").read_text().splitlines()[0]))


def test_the_jobs_are_those_of_whole_images_and_the_header_says_what_was_made(probe: Probe, tmp_path: Path) -> None:
    assert probe("--out", "probes").exit_code == 0
    assert probe("--out", "whole", options=(*FEW, "--steps", "4")).exit_code == 0
    probes, whole = rows(tmp_path / "probes"), rows(tmp_path / "whole")
    assert [row["id"] for row in probes] == [row["id"] for row in whole]
    assert not {row["sha256"] for row in probes} & {row["sha256"] for row in whole}
    stated, other = header(tmp_path / "probes")["settings"], header(tmp_path / "whole")["settings"]
    assert stated == {**{key: value for key, value in other.items() if key != "steps"}, "probe": True}


def test_limits_shards_and_steps_of_a_variable_end_in_the_same_tree(
    probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe("--out", "whole").exit_code == 0
    monkeypatch.setenv("GENIE_STEPS", "3")
    for limit in ("2", "6"):
        assert probe("--out", "resumed", options=(*FEW[:-1], limit, "--probe")).exit_code == 0
    monkeypatch.setenv("GENIE_PROBE", "1")
    for part in ("2/2", "1/2"):
        assert probe("--out", "sharded", "--shard", part, options=FEW[:-2]).exit_code == 0
    assert tree(tmp_path / "resumed") == tree(tmp_path / "whole")
    made = {name for name in tree(tmp_path / "whole").items() if name[0].endswith("jpg")}
    assert len(made) == 6
    assert made <= set(tree(tmp_path / "sharded").items())


@pytest.mark.parametrize(("first", "second"), [((), ("--probe",)), (("--probe",), ())])
def test_a_folder_never_has_both(probe: Probe, tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert probe("--out", "out", options=(*FEW, *first)).exit_code == 0
    before = tree(tmp_path / "out")
    refused = probe("--out", "out", options=(*FEW, *second))
    assert refused.exit_code == 1
    assert "probe: " in refused.stderr
    assert tree(tmp_path / "out") == before


def test_a_probe_without_a_manifest_is_not_taken_for_the_image(probe: Probe, tmp_path: Path) -> None:
    assert probe("--out", "out").exit_code == 0
    (tmp_path / "out/manifest.jsonl").unlink()
    (tmp_path / "out/train/metadata.jsonl").unlink()
    images = tree(tmp_path / "out/train")
    refused = probe("--out", "out", options=(*FEW, "--steps", "4"))
    assert (refused.exit_code, "genie status out --rebuild" in refused.stderr) == (1, True)
    assert tree(tmp_path / "out/train") == images


def test_explain_makes_it_again(
    probe: Probe, genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe("--out", "out").exit_code == 0
    image = tmp_path / "out" / str(rows(tmp_path / "out")[3]["file"])
    plan = genie("explain", "--json", image).stdout
    monkeypatch.setattr("genie_cli.cli.explain.wants_lines", lambda as_json: as_json)
    line = next(line for line in genie("explain", image).stdout.splitlines() if "| genie generate" in line)
    words = shlex.split(line.partition("| genie generate")[2])
    assert "--probe" in words
    again = CliRunner().invoke(app, ["generate", *words], input=plan, catch_exceptions=False)
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again" / image.relative_to(tmp_path / "out")).read_bytes() == image.read_bytes()


def test_a_plan_of_probes_makes_nothing_else(probe: Probe, tmp_path: Path) -> None:
    plan = probe("--dry-run", "--json").stdout
    refused = probe("--out", "out", "--plan", "-", options=(), stdin=plan)
    assert refused.exit_code == 2
    assert "the plan was made with --probe" in refused.stderr
    assert probe("--out", "out", "--plan", "-", options=("--probe",), stdin=plan).exit_code == 0
    assert probe("--out", "direct").exit_code == 0
    images = {name: digest for name, digest in tree(tmp_path / "direct").items() if name.endswith("jpg")}
    assert images == {name: digest for name, digest in tree(tmp_path / "out").items() if name.endswith("jpg")}


def test_a_plan_of_images_can_be_probed_if_that_is_said(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = probe("--dry-run", "--json", options=(*FEW, "--steps", "20")).stdout
    typed = probe("--out", "typed", "--plan", "-", options=("--probe",), stdin=plan)
    assert (typed.exit_code, "without --probe" in typed.stderr) == (0, False)
    monkeypatch.setenv("GENIE_PROBE", "true")
    told = probe("--out", "told", "--plan", "-", options=(), stdin=plan)
    assert (told.exit_code, "the plan was made without --probe" in told.stderr) == (0, True)


def test_a_dry_run_counts_one_step_per_image(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genie_cli.cli.generate.wants_lines", lambda as_json: as_json)
    shown = [line.split() for line in probe("--dry-run").stdout.splitlines()]
    assert ["images", "6"] in shown
    assert ["solver", "steps", "6"] in shown


def test_an_r_too_small_for_a_step_can_be_probed(probe: Probe, tmp_path: Path) -> None:
    assert (
        probe("--out", "out", options=("--targets", "seven", "--r", "0.005", "--limit", "1", "--probe")).exit_code == 0
    )
    assert rows(tmp_path / "out")[0]["status"] == "made"


def test_steps_are_refused_and_bad_values_explained(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = probe("--steps", "20")
    assert (refused.exit_code, "leave out --steps" in refused.stderr) == (2, True)
    monkeypatch.setenv("GENIE_PROBE", "perhaps")
    refused = probe(options=FEW)
    assert refused.exit_code == 2
    assert "GENIE_PROBE: must be true or false: 'perhaps' was given" in refused.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("oracle", "out", "--oracle", "digits"),
        ("fewshot", "--manifest", "out", "--augment", "genie"),
        ("finegrained", "--manifest", "out", "--augment", "genie", "--dataset", "digits"),
        ("longtail", "--manifest", "out", "--augment", "genie", "--dataset", "digits"),
    ],
)
def test_probes_are_not_judged_or_trained_on(probe: Probe, genie: Genie, command: tuple[str, ...]) -> None:
    assert probe("--out", "out").exit_code == 0
    refused = genie(*command)
    assert refused.exit_code == 2
    assert "out/manifest.jsonl has probes" in refused.stderr
    assert "without --probe" in refused.stderr
