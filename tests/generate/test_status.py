"""What `genie status` counts is so, and the commands that it prints make the rest."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genie_cli import api, manifest
from genie_cli.cli.app import app
from genie_cli.errors import ManifestError, OutputError
from genie_cli.generate.folder import Output
from genie_cli.generate.status import FolderStatus
from tests.conftest import Genie, tree
from tests.generate.command import rows

TWO = ("--src-dir", "photos", "--targets", "seven,two", "--out", "out")
MORE = (*TWO, "--r", "0.5,0.8")


def counts(found: FolderStatus) -> dict[tuple[str, float], tuple[int, int, int]]:
    return {(count.target, count.r): (count.made, count.missing, count.failed) for count in found.counts}


def run(command: str) -> Result:
    """A printed command, as it stands."""
    words = shlex.split(command)
    assert words[:2] == ["genie", "generate"]
    return CliRunner().invoke(app, words[1:], catch_exceptions=False)


@pytest.fixture
def out(genie: Genie, photos: Path, tmp_path: Path) -> Path:
    """The folder of a run; photos are those of four classes."""
    for name in ("zero", "one", "three", "five", "six", "nine"):
        shutil.rmtree(photos / name)
    assert genie("generate", *TWO).exit_code == 0
    return tmp_path / "out"


def test_a_run_that_is_done(out: Path) -> None:
    before = tree(out)
    found = api.status(out, check=True)
    assert counts(found) == {("seven", 0.8): (3, 0, 0), ("two", 0.8): (3, 0, 0)}
    assert (found.commands, found.notes, found.changed, found.workers, found.rebuilt) == ((), (), (), (), None)
    assert tree(out) == before


def test_what_was_not_reached_is_missing_and_the_command_makes_it(genie: Genie, out: Path, tmp_path: Path) -> None:
    genie("generate", *MORE, "--limit", "4")
    found = api.status(out)
    assert sum(made for made, _, _ in counts(found).values()) == 8
    assert sum(missing for _, missing, _ in counts(found).values()) == 4
    [command] = found.commands
    assert run(command).exit_code == 0
    assert counts(api.status(out)) == {(name, r): (3, 0, 0) for name in ("seven", "two") for r in (0.5, 0.8)}
    genie("generate", *MORE, "--out", "once")
    assert tree(out) == tree(tmp_path / "once")


def test_what_is_gone_is_missing_and_what_changed_is_named_if_that_is_checked(out: Path) -> None:
    first, second = sorted(out.glob("train/*/*.jpg"))[:2]
    content = first.read_bytes()
    first.unlink()
    second.write_bytes(content)
    assert (api.status(out).changed, counts(api.status(out))["seven", 0.8]) == ((), (2, 1, 0))
    found = api.status(out, check=True)
    assert found.changed == (second.relative_to(out).as_posix(),)
    [command] = found.commands
    assert run(command).exit_code == 0
    assert first.read_bytes() == content


def test_new_photos_are_missing_images(out: Path, photos: Path) -> None:
    shutil.copy(next((photos / "four").iterdir()), photos / "four/another.png")
    with (photos / "four/another.png").open("ab") as file:
        file.write(b"\0")
    assert counts(api.status(out)) == {("seven", 0.8): (3, 1, 0), ("two", 0.8): (3, 1, 0)}


def test_each_plan_of_the_header_has_its_command(genie: Genie, out: Path) -> None:
    options = (
        "--targets",
        "four",
        "--prompt",
        "it's a {target}",
        "--superclass",
        "digit",
        "--per-target",
        2,
        "--seed",
        3,
    )
    genie("generate", "--src-dir", "photos", "--targets", "four", *options, "--out", "out", "--limit", 1)
    genie("generate", "--method", "txt2img", "--targets", "one", "--per-target", 2, "--out", "out", "--limit", 1)
    found = api.status(out)
    assert counts(found)["four", 0.8] == (1, 1, 0)
    assert counts(found)["one", 1.0] == (1, 1, 0)
    assert len(found.commands) == 2
    for command in found.commands:
        assert run(command).exit_code == 0
    found = api.status(out)
    assert (counts(found)["four", 0.8], counts(found)["one", 1.0], found.commands) == ((2, 0, 0), (2, 0, 0), ())


def test_jobs_of_a_plan_file_are_tried_again(genie: Genie, out: Path, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", *TWO, "--targets", "four", "--dry-run").stdout
    photo = next((photos / "eight").iterdir())
    content = photo.read_bytes()
    photo.unlink()
    genie("generate", "--plan", "-", "--out", "out", stdin=plan)
    photo.write_bytes(content)
    found = api.status(out)
    assert counts(found)["four", 0.8] == (2, 0, 1)
    [command] = found.commands
    assert "--plan=" in command
    before = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["settings"]["plans"]
    assert run(command).exit_code == 0
    assert counts(api.status(out))["four", 0.8] == (3, 0, 0)
    assert json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["settings"]["plans"] == before


def test_sources_of_one_class_and_of_the_most_confused_ones(genie: Genie, out: Path, photos: Path) -> None:
    genie("generate", "--src-dir", "photos/two", "--src-label", "two", "--targets", "seven", "--out", "one")
    for image in Path("one").glob("train/*/*.jpg"):
        image.unlink()
    [command] = api.status("one").commands
    assert "--src-label=two" in command
    assert run(command).exit_code == 0
    matrix = {"labels": ["four", "seven", "two"], "matrix": [[9, 1, 0], [0, 9, 1], [1, 0, 9]]}
    Path("confusion.json").write_text(json.dumps(matrix))
    words = ("--targets", "seven,two", "--confusion", "confusion.json", "--top-k", "1", "--out", "confused")
    genie("generate", "--src-dir", "photos", *words, "--limit", 1)
    found = api.status("confused")
    assert counts(found) == {("seven", 0.8): (0, 1, 0), ("two", 0.8): (1, 0, 0)}
    [command] = found.commands
    assert "'--confusion=<file of genie confuse>' --top-k=1" in command
    assert run(command.replace("<file of genie confuse>", "confusion.json")).exit_code == 0
    assert counts(api.status("confused")) == {("seven", 0.8): (1, 0, 0), ("two", 0.8): (1, 0, 0)}


def test_names_that_cannot_be_typed_are_left_to_be_filled_in(genie: Genie, out: Path, open_model: Path) -> None:
    Path("names").write_text("a, b\n")
    model = ("--model", open_model, "--src-dir", "photos", "--targets", "@names", "--out", "comma")
    assert genie("generate", *model, "--limit", 1).exit_code == 0
    [command] = api.status("comma").commands
    assert "'--targets=@<file of the class names>'" in command
    assert f"'--model=<folder of {open_model.name}>'" in command


def test_sources_that_are_gone_cannot_be_counted(out: Path, photos: Path) -> None:
    shutil.rmtree(photos)
    found = api.status(out)
    assert counts(found) == {("seven", 0.8): (3, 0, 0), ("two", 0.8): (3, 0, 0)}
    assert [f"{photos} is not there" in note for note in found.notes] == [True]


def test_a_run_at_work_is_named_and_no_command_suggested(genie: Genie, out: Path) -> None:
    next(out.glob("train/*/*.jpg")).unlink()
    with manifest.opened(out) as document:
        output = Output(out, document.header)
    with output.opened():
        found = api.status(out)
        assert (found.workers, found.commands) == ((f"process {os.getpid()} on {os.uname().nodename}",), ())
    (out / ".genie/run.owner").write_text("process 1 on elsewhere")  # of a run that was killed
    assert (api.status(out).workers, len(api.status(out).commands)) == ((), 1)


def test_a_killed_run_is_counted_with_its_journal(genie: Genie, out: Path) -> None:
    made, lost = rows(out)[:4], rows(out)[4:]
    (out / ".genie/journal.jsonl").write_text(
        (out / "manifest.jsonl").read_text().split("\n")[0].replace('"rows":6,', "")
    )
    with (out / ".genie/journal.jsonl").open("a") as file:
        file.writelines(["\n", *(json.dumps(row) + "\n" for row in made)])
    for row in lost:
        (out / str(row["file"])).unlink()
    (out / "manifest.jsonl").unlink()
    found = api.status(out)
    assert sum(made for made, _, _ in counts(found).values()) == 4
    assert sum(missing for _, missing, _ in counts(found).values()) == 2
    assert found.notes == ("a run was stopped before its end: the same command resumes it",)
    [command] = found.commands
    assert run(command).exit_code == 0
    assert api.status(out).notes == ()


def test_a_run_that_has_made_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / ".genie").mkdir()
    with pytest.raises(OutputError) as caught:
        api.status(tmp_path)
    assert caught.value.hint == "a run that was begun there has made no image yet: give its command again"


def test_a_lost_manifest_is_rebuilt_and_the_run_goes_on(genie: Genie, out: Path, tmp_path: Path) -> None:
    (out / "manifest.jsonl").unlink()
    told = genie("status", "out")
    assert told.exit_code == 1
    assert "genie status out --rebuild" in told.stderr
    assert "genie status out --rebuild" in genie("generate", *TWO).stderr
    told = genie("status", "out", "--rebuild")
    assert told.exit_code == 0
    assert "The manifest was rebuilt from 6 images." in told.stderr
    assert [json.loads(line)["made"] for line in told.stdout.splitlines()] == [3, 3]
    assert "is whole" in genie("status", "out", "--rebuild").stderr
    assert genie("generate", *MORE).exit_code == 0
    assert genie("generate", *MORE, "--out", "once").exit_code == 0
    assert rows(out) == rows(tmp_path / "once")
    assert (out / "train/metadata.jsonl").read_bytes() == (tmp_path / "once/train/metadata.jsonl").read_bytes()


def test_a_table_for_people(genie: Genie, out: Path) -> None:
    next(out.glob("train/two/*.jpg")).unlink()
    shown = genie("status", "out").stderr
    lines = [line.split() for line in shown.splitlines()]
    assert ["target", "r", "made", "missing"] in lines
    assert ["two", "0.8", "2", "1"] in lines
    assert ["all", "5", "1"] in lines
    assert "To make the rest:" in shown
    assert run(shown.splitlines()[-1]).exit_code == 0
    assert "rest" not in genie("status", "out").stderr


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere does not exist"):
        api.status(tmp_path / "nowhere")
    with pytest.raises(OutputError, match=r"has no manifest\.jsonl"):
        api.status(tmp_path)


def test_a_file_or_folder_of_a_run_is_not_its_folder(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out)
    for inside in (out / "manifest.jsonl", out / "train", out / "train/two"):
        with pytest.raises(OutputError) as caught:
            api.status(inside)
        assert caught.value.hint == "give the folder of the run: genie status ."


def test_why_jobs_failed_is_said_and_that_nothing_has_changed(genie: Genie, out: Path) -> None:
    image = next(out.glob("train/two/*.jpg"))
    assert "checked 6 images: none has changed" in genie("status", "out", "--check").stderr
    (out / "manifest.jsonl").rename(out / "elsewhere")
    image.write_bytes(b"mine")
    genie("status", "out", "--rebuild")
    genie("generate", *TWO)
    shown = " ".join(genie("status", "out", "--check").stderr.split())
    assert f"why jobs failed or were skipped: another file is in the way: train/two/{image.name} (1 job)" in shown


def test_a_manifest_that_is_not_genies(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("mine\n")
    with pytest.raises(ManifestError, match="is not JSON"):
        api.status(tmp_path)
