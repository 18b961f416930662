"""`genie generate --r adaptive`: an r for each image, chosen by its probes alone, and an image as of that r."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from genie_cli import api
from genie_cli.backbones.load import load
from genie_cli.cli.app import app
from genie_cli.diffusion.slots import Slots
from tests.conftest import Genie, tree
from tests.generate.command import RATIOS, rows

Row = dict[str, Any]


def key(row: Row) -> tuple[object, ...]:
    return row["source"]["sha256"], row["target"]


def families(out: Path) -> dict[tuple[object, ...], list[Row]]:
    """The rows of each source and target, r ascending."""
    found: dict[tuple[object, ...], list[Row]] = {}
    listed: list[Row] = rows(out)
    for row in sorted(listed, key=lambda row: float(row["r"])):
        found.setdefault(key(row), []).append(row)
    return found


def plan(out: Path) -> list[dict[str, object]]:
    return list(json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["settings"]["plans"])


def left(out: Path) -> dict[str, str]:
    """What a run left, wherever its photos are."""
    told = {name: (out / name).read_text() for name in ("manifest.jsonl", ".genie/probes/manifest.jsonl")}
    root = json.loads(told["manifest.jsonl"].splitlines()[0])["source_root"]
    return {**tree(out), **{name: text.replace(root, "") for name, text in told.items()}}


def test_there_is_one_image_of_each_source_and_target_and_the_header_says_why(chosen: Path) -> None:
    own = families(chosen / "out")
    assert {len(each) for each in own.values()} == {1}
    assert len(own) == 2 * 6
    assert len({each[0]["r"] for each in own.values()}) > 1  # or this file tests little
    (stated,) = plan(chosen / "out")
    assert stated["r"] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert str(stated["chosen_by"]).startswith("digits-encoder@")
    assert stated["backbone"] == "digits"


def test_the_choice_is_that_of_the_rule_applied_to_the_probes_by_hand(chosen: Path) -> None:
    network = load("digits")

    def unit(path: Path) -> NDArray[np.float64]:
        with Image.open(path) as image:
            pixels = network.preprocess.center_crop(image.convert("RGB"))
        features = network.run(torch.stack([pixels] * 2))[0].astype(np.float16).astype(np.float64)
        return np.asarray(features / np.linalg.norm(features))

    photos = {label: sorted((chosen / "photos" / label).iterdir()) for label in ("seven", "two")}
    middles = {label: np.mean([unit(path) for path in paths], axis=0) for label, paths in photos.items()}
    probes = families(chosen / "out/.genie/probes")
    for own, (image,) in families(chosen / "out").items():
        axis = middles[image["target"]] - unit(chosen / "photos" / image["source"]["path"])
        places = [float(unit(chosen / "out/.genie/probes" / str(row["file"])) @ axis) for row in probes[own]]
        jumps = [abs(places[i] - places[i - 1]) for i in range(1, 5)]
        taken = RATIOS[1:].index(str(image["r"]))
        assert jumps[taken] == pytest.approx(max(jumps), abs=1e-4)


def test_each_image_is_that_of_a_run_at_its_r(chosen: Path, adaptive: Callable[..., Result], tmp_path: Path) -> None:
    assert adaptive("--out", "all", options=("--r", ",".join(RATIOS))).exit_code == 0
    images = {name: digest for name, digest in tree(chosen / "out/train").items() if name.endswith("jpg")}
    assert images.items() <= tree(tmp_path / "all/train").items()
    assert adaptive("--out", "probes", options=("--r", ",".join(RATIOS), "--probe", "--format", "png")).exit_code == 2
    words = ["generate", "--model", "digits", "--slots", "4", "--r", ",".join(RATIOS), "--probe", "--format", "png"]
    words += ["--src-dir", "photos", "--targets", "seven,two", "--out", "probes"]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert tree(tmp_path / "probes/train") == tree(chosen / "out/.genie/probes/train")


def test_the_same_command_makes_nothing_and_limits_end_in_the_same_bytes(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path
) -> None:
    shutil.copytree(chosen / "out", tmp_path / "out")
    for words in ((), ("--limit", "3")):
        assert adaptive("--out", "out", *words).exit_code == 0
        assert left(tmp_path / "out") == left(chosen / "out")
    for words in (("--limit", "2"), ("--limit", "5"), ()):
        assert adaptive("--out", "again", *words).exit_code == 0
    assert left(tmp_path / "again") == left(chosen / "out")


def test_a_run_that_was_killed_in_the_probes_or_in_the_images_resumes(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, step = iter(range(10**6)), Slots._step

    def stops(slots: Slots[object]) -> None:
        if next(steps) in (9, 30):  # 15 steps for 60 probes in 4 slots
            raise KeyboardInterrupt
        step(slots)

    monkeypatch.setattr(Slots, "_step", stops)
    codes = [adaptive("--out", "out").exit_code for _ in range(3)]
    assert (codes[-1], all(codes[:-1])) == (0, True)
    assert left(tmp_path / "out") == left(chosen / "out")


def test_sources_names_and_company_do_not_matter(chosen: Path, adaptive: Callable[..., Result], tmp_path: Path) -> None:
    for path in list((tmp_path / "photos").rglob("*.png")):
        path.rename(path.with_name(f"{path.read_bytes()[-9] % 7}{path.stem[::-1]}.png"))
    shutil.rmtree(tmp_path / "photos/eight")
    assert adaptive("--targets", "two", "--out", "out").exit_code == 0
    expected, found = families(chosen / "out"), families(tmp_path / "out")
    assert len(found) == 4
    for own, (row,) in found.items():
        assert (row["r"], row["id"]) == (expected[own][0]["r"], expected[own][0]["id"])
        with (  # the files differ, since an image says what its source is called
            Image.open(tmp_path / "out" / str(row["file"])) as image,
            Image.open(chosen / "out" / str(expected[own][0]["file"])) as other,
        ):
            assert image.tobytes() == other.tobytes()


def test_it_takes_no_more_than_twice_the_steps_of_one_r(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, step = 0, Slots._step

    def counts(slots: Slots[object]) -> None:
        nonlocal taken
        taken += sum(request is not None for request in slots.held)
        step(slots)

    monkeypatch.setattr(Slots, "_step", counts)
    assert adaptive("--out", "out", "--steps", "20", "--limit", "4").exit_code == 0
    in_all, taken = taken, 0
    assert in_all == sum(5 + round(20 * float(str(row["r"]))) for row in rows(tmp_path / "out"))
    assert adaptive("--out", "one", "--steps", "20", "--limit", "4", options=("--r", "0.8")).exit_code == 0
    assert taken == 4 * 16
    assert in_all <= 2 * taken


def test_explain_and_status_give_commands_that_make_the_same(
    chosen: Path, adaptive: Callable[..., Result], genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(chosen / "out", tmp_path / "out")
    image = tmp_path / "out" / str(rows(tmp_path / "out")[3]["file"])
    monkeypatch.setattr("genie_cli.cli.explain.wants_lines", lambda as_json: as_json)
    line = next(line for line in genie("explain", image).stdout.splitlines() if "| genie generate" in line)
    words = shlex.split(line.partition("| genie generate")[2])
    again = CliRunner().invoke(app, ["generate", *words], input=genie("explain", "--json", image).stdout)
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again" / image.relative_to(tmp_path / "out")).read_bytes() == image.read_bytes()
    assert api.status(tmp_path / "out").commands == ()
    whole = tree(tmp_path / "out")
    image.unlink()
    (command,) = api.status(tmp_path / "out").commands
    assert "--r=adaptive --backbone=digits" in command
    assert CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False).exit_code == 0
    assert tree(tmp_path / "out") == whole


def test_status_counts_what_has_no_r_yet(adaptive: Callable[..., Result], tmp_path: Path) -> None:
    assert adaptive("--out", "out", "--limit", "3").exit_code == 0
    found = api.status(tmp_path / "out")
    assert found.notes == ("9 images of --r adaptive: the r is to be chosen first",)
    assert len(found.commands) == 1


def test_a_folder_grows_by_targets_and_by_another_backbone(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path
) -> None:
    assert adaptive("--targets", "two", "--out", "out").exit_code == 0
    assert adaptive("--out", "out").exit_code == 0
    assert left(tmp_path / "out") == left(chosen / "out")
    assert adaptive("--out", "out", options=("--r", "0.7")).exit_code == 0
    first, second = plan(tmp_path / "out")
    assert ("chosen_by" in first, "chosen_by" in second) == (True, False)
    assert {key(row) for row in rows(tmp_path / "out") if row["r"] == 0.7} == {key(row) for row in rows(chosen / "out")}
    before = {str(row["id"]) for row in rows(tmp_path / "out")}
    assert adaptive("--out", "out", options=("--r", "adaptive", "--backbone", "lite0-64")).exit_code == 0
    assert [str(each.get("backbone")) for each in plan(tmp_path / "out")] == ["digits", "None", "lite0-64"]
    assert before <= {str(row["id"]) for row in rows(tmp_path / "out")}


def test_other_settings_are_refused_before_a_probe_is_made(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path
) -> None:
    shutil.copytree(chosen / "out", tmp_path / "out")
    shutil.rmtree(tmp_path / "out/.genie/probes")
    refused = adaptive("--out", "out", "--steps", "20")
    assert (refused.exit_code, "steps: 10 -> 20" in refused.stderr) == (1, True)
    assert not (tmp_path / "out/.genie/probes").exists()


def test_a_source_that_cannot_be_read_fails_alone(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path
) -> None:
    broken = next((tmp_path / "photos/nine").iterdir())
    broken.write_bytes(broken.read_bytes()[:-40])
    done = adaptive("--out", "out")
    assert (done.exit_code, "no r could be chosen for 2 images, which get 0.8" in done.stderr) == (3, True)
    found: list[Row] = rows(tmp_path / "out")
    assert {(row["r"], row["source"]["label"]) for row in found if row["status"] == "failed"} == {(0.8, "nine")}
    expected = {own: each[0]["sha256"] for own, each in families(chosen / "out").items()}
    good = {key(row): row["sha256"] for row in found if row["status"] == "made"}
    assert len(good) == 10
    assert good.items() <= expected.items()


def test_a_probe_that_has_changed_is_no_reason_for_another_choice(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # or its features are known
    shutil.copytree(chosen / "out", tmp_path / "out")
    probe = next((tmp_path / "out/.genie/probes/train/two").iterdir())
    probe.write_bytes(probe.read_bytes()[:-12])
    refused = adaptive("--out", "out")
    assert (refused.exit_code, f"delete it, or all of {Path('out/.genie/probes')}" in refused.stderr) == (1, True)
    probe.unlink()
    assert adaptive("--out", "out").exit_code == 0
    assert left(tmp_path / "out") == left(chosen / "out")
