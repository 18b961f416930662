"""`genie generate` as a person runs it: what it leaves, how it resumes, and what it says about bad input."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from genie_cli import provenance
from tests.conftest import Genie, tree

EVERYTHING = ("--targets", "seven,two", "--r", "0.5", "--r", "0.8")


def rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]


def test_makes_an_image_folder_and_a_manifest(genie: Genie, photos: Path, tmp_path: Path) -> None:
    result = genie("generate", "--src-dir", photos, *EVERYTHING, "--out", "out")
    assert result.exit_code == 0, result.output
    made = rows(tmp_path / "out")
    assert len(made) == 2 * 9 * 2
    assert {row["status"] for row in made} == {"made"}
    for row in made:
        with Image.open(tmp_path / "out" / str(row["file"])) as image:
            assert image.size == (32, 32)
    assert result.stdout.splitlines()[1:] == (tmp_path / "out/manifest.jsonl").read_text().splitlines()[1:]


def test_torchvision_and_datasets_read_it(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    from datasets import load_dataset
    from torchvision.datasets import ImageFolder

    shutil.copytree(photos / "one", photos / "test")  # a class that looks like a split
    what = ("--src-dir", photos, "--targets", "seven,test", "--per-target", "3", "--model", open_model)
    assert genie("generate", *what, "--out", "out").exit_code == 0
    folder = ImageFolder(str(tmp_path / "out/train"))
    assert folder.classes == ["seven", "tes%74"]
    assert len(folder) == 6
    loaded = load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    assert sorted(loaded["train"]["label"]) == ["seven"] * 3 + ["test"] * 3
    assert loaded["train"][0]["image"].size == (32, 32)


def test_shards_limits_and_resumes_end_in_the_same_tree(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, *EVERYTHING)
    genie(*command, "--out", "whole")
    for part in ("2/3", "1/3", "3/3"):
        assert genie(*command, "--out", "sharded", "--shard", part).exit_code == 0
    assert genie(*command, "--out", "resumed", "--limit", "5").exit_code == 0
    assert len(rows(tmp_path / "resumed")) == 5
    assert genie(*command, "--out", "resumed").exit_code == 0
    whole = tree(tmp_path / "whole")
    assert {k: v for k, v in tree(tmp_path / "sharded").items() if not k.startswith(".genie/")} == {
        k: v for k, v in whole.items() if not k.startswith(".genie/")
    }
    assert tree(tmp_path / "resumed") == whole


def test_a_finished_run_makes_nothing_again(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, *EVERYTHING, "--out", "out")
    genie(*command)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").rglob("*.jpg")}
    result = genie(*command)
    assert "36 of 36 images already exist" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").rglob("*.jpg")} == before


def test_the_first_images_of_a_plan_of_a_billion(genie: Genie, tmp_path: Path) -> None:
    """Only a plan that is never held, listed or counted comes to an end here; so does going on with it."""
    command = ("generate", "--method", "txt2img", "--targets", "seven", "--per-target", 10**9, "--limit", 2)
    assert len(genie(*command, "--dry-run").stdout.splitlines()) == 3
    assert genie(*command, "--out", "out").exit_code == 0
    before = tree(tmp_path / "out")
    assert "2 of 2 images already exist" in genie(*command, "--out", "out").stderr
    assert tree(tmp_path / "out") == before


# Run in a process of its own, which dies by its own hand at the n-th thing it does to the output folder:
# every moment between two file operations is a moment at which `kill -9` may come.
KILLED_AT = """
import os, signal, sys, threading
count, limit, out = 0, int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()
def strike(event, arguments):
    global count
    if event in ("open", "os.link", "os.rename", "os.remove", "os.mkdir") and out in str(arguments[0]):
        with lock:
            count += 1
            if count == limit:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(strike)
sys.argv = ["genie", *sys.argv[3:]]
from genie_cli.cli.app import main
try:
    main()
finally:
    print("operations", count, file=sys.stderr)
"""


def run_killed_at(limit: int, cwd: Path, out: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED_AT, str(limit), out, *words, "--out", out]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_kill_at_any_moment_and_rerun_equals_never_killed(genie: Genie, photos: Path, tmp_path: Path) -> None:
    import random

    words = ["generate", "--model", "digits", "--steps", "4", "--slots", "4", "--src-dir", str(photos)]
    words += ["--targets", "seven", "--r", "0.8"]
    never = run_killed_at(0, tmp_path, "never", *words)
    assert never.returncode == 0, never.stderr
    operations = int(never.stderr.split("operations ")[1])
    moments = random.Random(0).sample(range(1, operations + 1), 20)
    for moment in moments:
        out = tmp_path / f"out-{moment}"
        killed = run_killed_at(moment, tmp_path, out.name, *words)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        result = genie("generate", "--src-dir", photos, "--targets", "seven", "--r", "0.8", "--out", out.name)
        assert result.exit_code == 0, (moment, result.output)
        assert tree(out) == tree(tmp_path / "never"), f"killed at operation {moment} of {operations}"


def test_control_c_says_so_and_a_rerun_goes_on(genie: Genie, photos: Path, tmp_path: Path) -> None:
    # A shell in the background, as of some CI, has Ctrl-C ignored in all that it starts.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code = listening + "from genie_cli.cli.app import main; main()"
    command = [sys.executable, "-c", code, "generate", "--model", "digits", "--slots", "4", "--steps", "200"]
    command += ["--src-dir", str(photos), "--targets", "seven", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    journal = tmp_path / "out/.genie/journal.jsonl"
    for _ in range(2400):
        if journal.exists():
            break
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command resumes" in stderr
    assert "Traceback" not in stderr
    assert genie("generate", "--steps", "200", "--src-dir", photos, "--targets", "seven", "--out", "out").exit_code == 0
    assert len(rows(tmp_path / "out")) == 9


def test_other_settings_on_the_same_out_are_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven", "--out", "out", "--per-target", "1")
    genie(*command)
    before = tree(tmp_path / "out")
    result = genie(*command, "--guidance", "3")
    assert result.exit_code == 1
    assert "guidance: 7.5 -> 3.0" in result.stderr
    assert tree(tmp_path / "out") == before


def test_a_full_disk_stops_the_run_and_a_rerun_completes_it(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven")
    genie(*command, "--out", "roomy")
    calls = 0

    def fsync(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        result = genie(*command, "--out", "full")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "run the same command again" in result.stderr
    assert genie(*command, "--out", "full").exit_code == 0
    assert tree(tmp_path / "full") == tree(tmp_path / "roomy")


def test_bad_images_fail_alone_and_sources_are_never_written_to(genie: Genie, photos: Path, tmp_path: Path) -> None:
    good = (photos / "one/test-00001.png").read_bytes()
    for name, content in {"empty": b"", "text": b"no image", "cut": good[: len(good) // 2]}.items():
        (photos / f"one/{name}.png").write_bytes(content)
    before = tree(photos)
    result = genie("generate", "--src-dir", photos, "--targets", "seven", "--out", "out")
    assert result.exit_code == 3
    reasons = {str(row["source"]["path"]): str(row["reason"]) for row in rows(tmp_path / "out") if "reason" in row}  # type: ignore[index]
    assert "is empty (0 bytes)" in reasons["one/empty.png"]
    assert "is not an image" in reasons["one/text.png"]
    assert "truncated" in reasons["one/cut.png"]
    assert len(reasons) == 3
    assert len(list((tmp_path / "out/train/seven").glob("*.jpg"))) == 9
    assert tree(photos) == before


def test_a_source_that_changed_since_the_plan_fails(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    Image.new("RGB", (32, 32), "red").save(photos / "one/test-00001.png")
    result = genie("generate", "--plan", "-", "--out", "out", stdin=plan)
    assert result.exit_code == 3
    [reason] = [str(row["reason"]) for row in rows(tmp_path / "out") if "reason" in row]
    assert reason.endswith("changed since the plan was made")


def test_a_plan_makes_the_same_images(genie: Genie, photos: Path, tmp_path: Path) -> None:
    genie("generate", "--src-dir", photos, *EVERYTHING, "--out", "direct")
    plan = genie("generate", "--src-dir", photos, *EVERYTHING, "--dry-run", "--json").stdout
    assert not (tmp_path / "genie-out").exists()
    header, *jobs = plan.splitlines(keepends=True)
    (tmp_path / "jobs.jsonl").write_text("".join([header, *reversed(jobs)]))
    assert genie("generate", "--plan", "jobs.jsonl", "--out", "planned").exit_code == 0
    assert tree(tmp_path / "planned/train/seven") == tree(tmp_path / "direct/train/seven")


def test_a_job_that_makes_no_sense_is_skipped_with_its_reason(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    edited = plan.replace('"target": "seven"', '"target": "one"', 1).replace('"label": "one"', '"label": "two"')
    lines = [line for line in edited.splitlines() if '"target": "one"' not in line or '"label"' in line]
    source = json.loads(lines[1])["source"]["label"]
    lines[1] = lines[1].replace('"target": "one"', f'"target": "{source}"')
    result = genie("generate", "--plan", "-", "--out", "out", stdin="\n".join(lines) + "\n")
    assert result.exit_code == 3
    skipped = [row for row in rows(tmp_path / "out") if row["status"] == "skipped"]
    assert [row["reason"] for row in skipped] == [f"genie cannot make '{source}' from a source of class '{source}'"]


@pytest.mark.parametrize("image_format", ["jpg", "png", "webp"])
def test_explain_makes_the_same_image_again(genie: Genie, photos: Path, tmp_path: Path, image_format: str) -> None:
    out = ("--per-target", "1", "--format", image_format, "--out", "out")
    genie("generate", "--src-dir", photos, "--targets", "seven", *out)
    [image] = (tmp_path / "out/train/seven").iterdir()
    plan = genie("explain", "--json", image).stdout
    again = ("--src-dir", photos, "--format", image_format, "--out", "again")
    assert genie("generate", "--plan", "-", *again, stdin=plan).exit_code == 0
    assert tree(tmp_path / "again/train") == {
        key: value for key, value in tree(tmp_path / "out/train").items() if key != "metadata.jsonl"
    } | {"metadata.jsonl": tree(tmp_path / "again/train")["metadata.jsonl"]}


def test_explains_command_is_the_whole_truth(genie: Genie, photos: Path, tmp_path: Path) -> None:
    from genie_cli.cli.explain import command_for

    genie("generate", "--src-dir", photos, "--targets", "seven", "--per-target", "1", "--out", "out")
    [image] = (tmp_path / "out/train/seven").iterdir()
    command = command_for(image, provenance.read(image))
    command = command.replace("genie ", f"{sys.executable} -m genie_cli ")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "again/train/seven" / image.name).read_bytes() == image.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--targets", "seven", "--r", "1.5"], "--r: must be a number, above 0 and at most 1: '1.5' was given"),
        (["--targets", "seven", "--r", "0"], "--r: must be a number, above 0 and at most 1: '0' was given"),
        (["--targets", "seven", "--slots", "3"], "power of two"),
        (["--targets", "seven", "--prompt", "a cat"], "the prompt must contain {target}"),
        (["--targets", " , "], "names no class"),
        ([], "name the classes to generate"),
        (["--targets", "seven", "--method", "txt2img"], "txt2img uses no sources"),
        (["--targets", "seven", "--top-k", "2"], "--top-k goes with --confusion"),
        (["--targets", "seven", "--shard", "3/2"], "expected i/n"),
        (["--targets", "@missing.txt"], "cannot be read"),
        (["--targets", "seven", "--plan", "jobs.jsonl"], "leave out --targets"),
        (["--targets", "ten", "--method", "img2img", "--model", "OPEN"], "needs images of its own class"),
        (["--targets", "seven", "--r", "0.01"], "leaves no step to run"),
        (["--targets", "seven", "--revision", "main"], "--revision goes with a Hugging Face model"),
        (["--targets", "seven", "--device", "cuda:99"], "cannot be used"),
    ],
)
def test_what_a_careless_person_types(
    genie: Genie, photos: Path, open_model: Path, words: list[str], message: str
) -> None:
    words = [str(open_model) if word == "OPEN" else word for word in words]
    result = genie("generate", "--src-dir", photos, *words, "--out", "out")
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["a/b", "..", "test", "🦊", "two words", "100%"])
def test_odd_class_names(genie: Genie, photos: Path, tmp_path: Path, open_model: Path, name: str) -> None:
    from urllib.parse import unquote

    what = ("--src-dir", photos, "--targets", name, "--per-target", "1", "--model", open_model)
    result = genie("generate", *what, "--out", "out")
    assert result.exit_code == 0, result.stderr
    [row] = rows(tmp_path / "out")
    file = tmp_path / "out" / str(row["file"])
    assert row["target"] == name
    assert file.is_file()
    assert unquote(file.parent.name) == name
    assert file.parent.parent == tmp_path / "out/train"


def test_a_prompt_too_long_fails_its_jobs_alone(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    long = "lynx " * 12
    what = ("--src-dir", photos, "--targets", f"seven,{long}", "--per-target", "2", "--model", open_model)
    result = genie("generate", *what, "--out", "out")
    assert result.exit_code == 3
    failed = [row for row in rows(tmp_path / "out") if row["status"] == "failed"]
    assert {row["target"] for row in failed} == {long.strip()}
    assert "tokens, the model reads" in str(failed[0]["reason"])
    assert len(rows(tmp_path / "out")) == 4


def test_a_plan_whose_paths_leave_its_root_is_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    result = genie("generate", "--plan", "-", stdin=plan.replace("eight/", "../photos/eight/", 1))
    assert result.exit_code == 1
    assert "line 2" in result.stderr
    assert "leaves its root" in result.stderr
    assert not (tmp_path / "genie-out").exists()


def test_out_inside_the_sources_is_refused(genie: Genie, photos: Path) -> None:
    before = tree(photos)
    result = genie("generate", "--src-dir", photos, "--targets", "seven", "--out", photos / "out")
    assert result.exit_code == 1
    assert "lies inside the sources" in result.stderr
    assert tree(photos) == before


def test_txt2img_and_img2img(genie: Genie, photos: Path, tmp_path: Path) -> None:
    assert (
        genie("generate", "--method", "txt2img", "--targets", "seven,two", "--per-target", "3", "--out", "t").exit_code
        == 0
    )
    assert [row["r"] for row in rows(tmp_path / "t")] == [1.0] * 6
    assert (
        genie("generate", "--method", "img2img", "--src-dir", photos, "--targets", "seven", "--out", "i").exit_code == 0
    )
    [row] = rows(tmp_path / "i")
    assert row["source"]["label"] == "seven"  # type: ignore[index]
    assert row["r"] == 0.3


def test_sources_by_confusion(genie: Genie, photos: Path, tmp_path: Path) -> None:
    confusion = {"kind": "genie.confusion", "schema": 1, "labels": ["one", "seven", "two", "four"]}
    matrix = [[9, 0, 0, 0], [3, 5, 0, 2], [0, 0, 9, 0], [0, 0, 0, 9]]
    (tmp_path / "confusion.json").write_text(json.dumps({**confusion, "matrix": matrix}))
    options = ("--confusion", "confusion.json", "--top-k", "2")
    result = genie("generate", "--src-dir", photos, "--targets", "seven", *options, "--out", "out")
    assert "most often confused with: one (3), four (2)" in result.stderr
    assert {row["source"]["label"] for row in rows(tmp_path / "out")} == {"one", "four"}  # type: ignore[index]


def test_a_flat_folder_with_a_label(genie: Genie, photos: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(photos / "one", flat)
    assert genie("generate", "--src-dir", flat, "--targets", "seven", "--out", "out").exit_code == 1
    result = genie("generate", "--src-dir", flat, "--src-label", "one", "--targets", "seven", "--out", "out")
    assert result.exit_code == 0, result.stderr


def test_one_impossible_target_leaves_the_others_unharmed(genie: Genie, photos: Path, tmp_path: Path) -> None:
    """A flat folder of ones: "one" cannot be made of it by GeNIe, "seven" can."""
    flat = ("--src-dir", photos / "one", "--src-label", "one")
    result = genie("generate", *flat, "--targets", "one,seven", "--out", "out")
    assert result.exit_code == 3
    assert "left out: no source for target 'one'" in result.stderr
    assert [row["target"] for row in rows(tmp_path / "out")] == ["seven"]


def test_a_plan_remembers_its_settings(genie: Genie, photos: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--guidance", "3", "--dry-run").stdout
    result = genie("generate", "--plan", "-", stdin=plan)
    assert result.exit_code == 2
    assert "the plan was made with --guidance 3.0, this run has 7.5" in result.stderr
    assert genie("generate", "--plan", "-", "--guidance", "3", stdin=plan).exit_code == 0


def test_a_second_run_on_the_same_out_is_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    command = ("generate", "--src-dir", photos, "--targets", "seven", "--out", "out")
    genie(*command, "--shard", "1/2")
    with FileLock(tmp_path / "out/.genie/run-1-of-2.lock"):
        (tmp_path / "out/.genie/run-1-of-2.owner").write_text("process 7 on elsewhere")
        for other in ((), ("--shard", "1/2"), ("--shard", "1/3")):
            result = genie(*command, *other)
            assert result.exit_code == 1
            assert "in use by process 7 on elsewhere" in " ".join(result.stderr.split())
        assert genie(*command, "--shard", "2/2").exit_code == 0


def test_what_a_terminal_shows(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    """A run, its dry run and its explanation in a real terminal, with a class that looks like markup."""
    import pty

    def typed(*words: str) -> str:
        code = "import sys; from genie_cli.cli.app import main; sys.argv[0] = 'genie'; main()"
        shown: list[bytes] = []

        def read(terminal: int) -> bytes:
            shown.append(os.read(terminal, 4096))
            return shown[-1]

        status = pty.spawn([sys.executable, "-c", code, *words], read, lambda _: b"")
        screen = b"".join(shown).decode()
        assert os.waitstatus_to_exitcode(status) == 0, screen
        return screen

    shutil.copytree(photos / "one", photos / "[red]")
    command = ["generate", "--model", str(open_model), "--slots", "4", "--steps", "4", "--src-dir", str(photos)]
    command += ["--targets", "[x]", "--out", "out"]
    assert "Nothing was made" in typed(*command, "--dry-run")
    screen = typed(*command)
    assert "10/10" in screen  # the two folders of ones hold the same image
    assert "manifest" in screen
    image = next((tmp_path / "out/train").rglob("*.jpg"))
    assert "A photo of a [x]" in typed("explain", str(image))


def test_a_reader_that_has_had_enough_is_no_error(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ["--src-dir", str(photos), "--targets", "seven,two", "--out", "out"]
    assert genie("generate", *words).exit_code == 0
    command = f"{shlex.join([sys.executable, '-m', 'genie_cli', 'generate', '--model', 'digits', '--steps', '4'])} "
    command += f"--slots 4 {shlex.join(words)} --json | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "18 of 18 images already exist\n"
    assert done.returncode == 0
