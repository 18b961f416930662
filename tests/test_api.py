"""The front door: what a notebook gets is what the commands get, byte for byte and figure for figure."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pandas
import pytest

from genie_cli import api
from genie_cli.config import Settings
from genie_cli.errors import ModelError, UsageError
from genie_cli.observer import Observer, Progress
from tests.conftest import Genie, tree

ROOT = Path(__file__).parents[1]
EPISODES: dict[str, Any] = {"shots": 1, "episodes": 3, "queries": 4, "steps": 4, "slots": 4}
FLAGS = [word for name, value in EPISODES.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def notebook(genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with photos, where caches are those of the commands."""
    genie("config")
    return tmp_path


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from genie_cli import api; print([m for m in ('torch', 'diffusers', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_notebook_gets_what_the_commands_get(genie: Genie, notebook: Path) -> None:
    made = api.generate("photos", ["seven", "two"], r=[0.5, 0.8], model="digits", steps=4, slots=4, out="api")
    words = ("--src-dir", "photos", "--targets", "seven,two", "--r", "0.5,0.8", "--out", "command")
    assert genie("generate", *words).exit_code == 0
    assert tree(notebook / "api") == tree(notebook / "command")
    assert (made.made, made.failed, len(list(made.rows()))) == (36, 0, 36)

    judged = api.judge(made.manifest, min_confidence=0.5)
    judged.write("api/judged.jsonl")
    assert genie("oracle", "command", "--min-confidence", "0.5", "--out", "command/judged.jsonl").exit_code == 0
    assert (notebook / "api/judged.jsonl").read_bytes() == (notebook / "command/judged.jsonl").read_bytes()
    assert judged.summary.accepted == sum(row.extra["oracle"]["accepted"] for row in judged.rows())

    table = api.fewshot("digits", augment=["weak", "genie"], out="api-fewshot", **EPISODES)
    few = ("--augment", "weak", "--augment", "genie", *FLAGS, "--out", "command-fewshot")
    result = genie("fewshot", *few)
    assert result.exit_code == 0, result.stderr
    assert (notebook / "api-fewshot/results.jsonl").read_bytes() == (
        notebook / "command-fewshot/results.jsonl"
    ).read_bytes()
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    frame = pandas.DataFrame(table)
    assert list(frame["accuracy"]) == [row["accuracy"] for row in rows]
    assert list(frame.columns) == list(rows[0])


def test_confusion_and_a_dry_run_too(genie: Genie, photos: Path, notebook: Path) -> None:
    for name in ("one", "two", "seven"):
        for other in range(3):
            image = photos / name / f"again-{other}.png"
            image.write_bytes(next(photos.glob(f"{name}/test*.png")).read_bytes() + bytes([other]))
    keep = {"one", "two", "seven"}
    for folder in photos.iterdir():
        if folder.name not in keep:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
    found = api.confuse("photos", backbone="digits", folds=2)
    assert genie("confuse", "--src-dir", "photos", "--backbone", "digits", "--folds", 2).exit_code == 0
    found.write(notebook / "api.json", 4)
    assert (notebook / "api.json").read_bytes() == (notebook / "confusion.json").read_bytes()
    with api.planned("photos", "all", model="digits", steps=4, slots=4) as run:
        plan = "".join(run.lines())
    assert plan == genie("generate", "--src-dir", "photos", "--targets", "all", "--dry-run").stdout


def test_it_is_silent_unless_an_observer_is_passed(notebook: Path, capfd: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []

    class Ears(Observer):
        def found(self, message: str) -> None:
            heard.append(message)

        def progress(self, description: str, total: int | None = None) -> AbstractContextManager[Progress]:
            heard.append(f"{description}: {total}")
            return nullcontext(Progress())

    wanted: dict[str, Any] = {"model": "digits", "steps": 4, "slots": 4, "out": "out"}
    api.generate("photos", "seven", **wanted)
    assert capfd.readouterr() == ("", "")
    api.generate("photos", "seven", observer=Ears(), **wanted)
    assert heard == ["images read: 10", "9 of 9 images already exist"]


def test_settings_and_keywords(notebook: Path) -> None:
    settings = Settings.model_validate({"model": {"name": "digits", "slots": 4}, "generate": {"steps": 4, "seed": 1}})
    with api.planned("photos", "seven", settings=settings, seed=2) as run:
        assert (run.settings.generate.steps, run.settings.generate.seed) == (4, 2)
        assert {job.seed for job in run.jobs} == {2}
    with pytest.raises(UsageError, match=r"stesp is not a setting of this function; did you mean steps\?"):
        api.generate("photos", "seven", settings=settings, stesp=3)
    with pytest.raises(UsageError, match=r"r: must be a number, .*: 80 was given; did you mean 0\.8\?"):
        api.generate("photos", "seven", settings=settings, r=80)


def test_what_is_returned_reads_in_one_line(notebook: Path) -> None:
    made = api.generate("photos", "seven", model="digits", steps=4, slots=4, out="out")
    assert repr(made) == "<Made: 9 made; out/manifest.jsonl>"
    assert re.fullmatch(
        r"<Judged: 9 images, [\d.]+% consistent, 9 accepted; oracle digits-oracle@\w+>", repr(api.judge("out"))
    )
    assert repr(api.status("out")) == "<FolderStatus: 9 made, 0 missing, 0 failed; out>"


def test_a_setting_that_is_a_path_may_be_a_path(notebook: Path) -> None:
    with api.planned("photos", "seven", model="digits", out=Path("an/out")) as run:
        assert run.settings.output.dir == "an/out"
    with pytest.raises(ModelError, match="there is no such file"):
        api.generate("photos", "seven", model="digits", lora=[Path("nowhere.safetensors")])
    with pytest.raises(UsageError, match="r: must be a number"):
        api.generate("photos", "seven", model="digits", r=Path("0.8"))


@pytest.mark.parametrize(
    "name", ["confuse", "generate", "planned", "status", "judge", "select", "fewshot", "finegrained", "longtail"]
)
def test_every_function_is_typed_and_documented(name: str) -> None:
    function = getattr(api, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty
    assert "Args:" in function.__doc__ or "arguments" in function.__doc__


def test_the_page_runs(photos: Path, notebook: Path) -> None:
    """docs/python.md, as it stands there, on photos of digits."""
    from genie_cli.data.digits.paint import DigitsInTheWild

    DigitsInTheWild("test").save(photos, per_class=3)
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(blocks[0].splitlines()) <= 30
    code = "\n".join(blocks)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "<Confusion: 10 classes" in done.stdout
    assert "txt2img" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"observer": print}, "observer must be an Observer"),
        ({"targets": 5}, "a name or a list of names is expected, not 5"),
        ({"targets": [5]}, r"a name or a list of names is expected, not \[5\]"),
        ({"settings": {"steps": 3}}, "settings must be a genie_cli.config.Settings"),
        ({"r": 80}, "r: must be a number, above 0 and at most 1"),
        ({"stpes": 3}, "did you mean steps"),
    ],
)
def test_wrong_arguments_are_named(photos: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        api.generate(photos, **{"targets": "two", "model": "digits", **wrong})


@pytest.mark.parametrize("folds", [-1, 0, 1, 2.5])
def test_a_number_of_folds_that_is_none(photos: Path, folds: Any) -> None:
    with pytest.raises(UsageError, match="folds must be a whole number of 2 or more"):
        api.confuse(photos, backbone="digits", folds=folds)


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan"), float("inf"), "0.5"])
def test_a_probability_that_is_none(probability: Any) -> None:
    with pytest.raises(UsageError, match="min_confidence must be a number from 0 to 1"):
        api.judge("made", min_confidence=probability)
