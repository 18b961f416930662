"""Every end of a command is in words, with its exit code."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from genie_cli import api
from genie_cli.cli import _endings
from tests.conftest import Genie

GENIE = (sys.executable, "-m", "genie_cli")
NO_WORDS = ("Traceback", "Exception ignored", "fault of genie")


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell in which $genie is the command."""
    surroundings = {**os.environ, "genie": " ".join(GENIE), "XDG_CACHE_HOME": str(folder / "cache"), **variables}
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=surroundings, capture_output=True, timeout=100, check=False
    )
    assert not any(words.encode() in done.stderr for words in NO_WORDS), done.stderr.decode()
    return done


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--help", "--version", "config", "config --json", "generate --help"])
@pytest.mark.parametrize(("to", "why"), [("> /dev/full", b"No space left on device"), (">&-", b"it is closed")])
def test_output_that_cannot_be_written(tmp_path: Path, words: str, to: str, why: bytes) -> None:
    done = shell(f"$genie {words} {to}", tmp_path)
    assert done.returncode == 1
    assert b"error: cannot write to standard output: " + why in done.stderr


@pytest.mark.parametrize("to", ["2> /dev/full", "2>&-", "2>&- <&-"])
def test_words_that_cannot_be_written_are_lost_and_nothing_else(tmp_path: Path, to: str) -> None:
    assert shell(f"$genie config --json {to}", tmp_path).returncode == 0
    assert shell(f"$genie no-such-command {to}", tmp_path).returncode == 2
    done = shell(f"$genie init --out new.toml 1>&- {to}", tmp_path)  # its file must not take the number of a stream
    assert done.returncode == 0
    assert (tmp_path / "new.toml").read_bytes().startswith(b"# Settings of genie")


def test_a_reader_that_has_had_enough(tmp_path: Path) -> None:
    done = shell("$genie config --json | head -1", tmp_path)
    assert (done.returncode, done.stdout.count(b"\n"), done.stderr) == (0, 1, b"")


@pytest.mark.parametrize("words", ["config", "generate --help", "--version"])  # ours, Rich's and plain output
def test_a_reader_that_was_never_there(tmp_path: Path, words: str) -> None:
    (tmp_path / "line").write_text(f"{' '.join(GENIE)} {words}; echo $? >&2")
    done = shell("sleep 0.05; sh line | exec sleep 0 2>&1", tmp_path)
    assert done.stderr == b"0\n"


def test_a_broken_pipe_that_is_not_the_readers_is_told() -> None:
    with pytest.raises(typer.Exit) as ended, _endings.in_words():
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))  # as of a process that loaded data
    assert ended.value.exit_code == 1


_BEFORE_THE_FIRST_COMMAND = """
import os, signal
from genie_cli import __main__
from genie_cli.cli import app
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
app.app = interrupted
__main__.main()
"""


def test_an_interrupt_while_the_command_line_is_set_up() -> None:
    done = subprocess.run([sys.executable, "-c", _BEFORE_THE_FIRST_COMMAND], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, b"interrupted\n")


@pytest.mark.parametrize(
    "words", ["config --prompt", "generate --src-dir", "oracle", "init --out", "explain", "nothing"]
)
def test_bytes_that_are_not_utf_8(tmp_path: Path, words: str) -> None:
    done = shell(f"$genie {words} \"$(printf 'a\\377b')\"", tmp_path)
    assert done.returncode == 2
    assert b"is not valid UTF-8: a\\xffb" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_locale_that_is_not_utf_8(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell("$genie config --prompt '{target}, \u00fc'", tmp_path, **ascii_only)
    assert done.returncode == 2
    assert b"argument 3 is not text in the locale's encoding, ascii: {target}, \\xc3\\xbc\nto use UTF-8" in done.stderr


@pytest.mark.parametrize("columns", ["0", "1", "9" * 20, "1000000", "\u00b2", "", "-3"])
def test_a_terminal_of_an_absurd_size(tmp_path: Path, columns: str) -> None:
    done = shell("$genie init --help", tmp_path, COLUMNS=columns, LINES=columns)
    assert done.returncode == 0
    assert b"Write a commented settings file" in done.stdout
    assert len(done.stdout) < 10_000


def test_a_variable_that_is_not_utf_8(tmp_path: Path) -> None:
    done = shell("GENIE_PROMPT=\"$(printf 'a\\377{target}')\" $genie config", tmp_path)
    assert (done.returncode, b"GENIE_PROMPT is not valid UTF-8: a\\xff" in done.stderr) == (2, True)


def test_a_working_folder_that_is_gone_or_not_utf_8(tmp_path: Path) -> None:
    assert b"there is no working folder" in shell("mkdir x; cd x; rmdir ../x; $genie config", tmp_path).stderr
    name = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(name)
    (tmp_path / "photos").mkdir()
    done = shell(
        "cd \"$(printf '\\377')\" && mkdir -p a/b && $genie generate --src-dir a --targets b --model digits", tmp_path
    )
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(b"error: ")


@pytest.mark.parametrize("words", ["generate --src-dir ~nosuchuser --targets a", "oracle ~nosuchuser/made"])
def test_a_user_that_is_not_there(tmp_path: Path, words: str) -> None:
    done = shell(f"$genie {words}", tmp_path)
    assert done.returncode in (1, 2)
    assert b"~nosuchuser" in done.stderr


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs another user")
def test_a_container_without_a_home_and_without_a_name(tmp_path: Path) -> None:
    """A user id that stands in no list, no HOME: as with ``docker run --user 12345``."""
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:3]:
        folder.chmod(0o755)
    code = (
        "import os, sys; from genie_cli.files.cache import cache; from genie_cli.cli._console import ConsoleObserver\n"
        "import rich.cells, rich._unicode_data; os.setgid(12345); os.setuid(12345)\n"
        "for name in ('HOME', 'XDG_CACHE_HOME', 'USER', 'LOGNAME'): os.environ.pop(name, None)\n"
        "folder = cache(ConsoleObserver()); folder.mkdir(exist_ok=True); print(folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.stdout.strip() == f"{tmp_path}/genie-12345"
    assert "set XDG_CACHE_HOME" in done.stderr


@pytest.mark.parametrize("name", ["", "--out=", "--out"])
def test_an_empty_path(genie: Genie, tmp_path: Path, name: str) -> None:
    words = ("oracle", "") if not name else ("init", name) if name.endswith("=") else ("init", name, "")
    result = genie(*words)
    assert (result.exit_code, "the path is empty" in result.stderr) == (2, True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words", ["oracle . --oracle", "confuse --backbone", "fewshot --augment", "longtail --dataset", "generate --method"]
)
def test_an_empty_name(genie: Genie, words: str) -> None:
    result = genie(*words.split(), "")
    assert (result.exit_code, f"{words.split()[-1]}: the name is empty" in result.stderr) == (2, True)


def test_a_disk_that_is_read_only(tmp_path: Path, photos: Path) -> None:
    begun = "unshare -rm sh -c 'mkdir ro; mount -t tmpfs none ro && mount -o remount,ro ro || exit 77; "
    done = shell(
        f"{begun} $genie init --out ro/new.toml; $genie generate --src-dir {photos} --targets a --out ro/out'", tmp_path
    )
    if done.returncode in (1, 77) and b"error: cannot write" not in done.stderr:
        pytest.skip("needs a namespace of its own")
    assert done.stderr.count(b"Read-only file system") == 2


def test_absurd_numbers(genie: Genie) -> None:
    many = "1" + "0" * 22
    for words in (("generate", "--limit"), ("fewshot", "--ways"), ("fewshot", "--episodes"), ("longtail", "--epochs")):
        for number in (many, "9" * 5000, "-1", "nan"):
            result = genie(*words, number)
            assert result.exit_code == 2
            assert words[1] in result.stderr


def test_a_fault_of_genie_is_told_as_one(genie: Genie, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()

    def faulty(*_: object, **__: object) -> None:
        raise KeyError("seven\nlines")

    monkeypatch.setattr(api, "confuse", faulty)
    result = genie("confuse", "--src-dir", "photos")
    assert result.exit_code == 1
    assert "this is a fault of genie: KeyError" in result.stderr
    monkeypatch.setenv(_endings.TRACEBACK, "1")
    with pytest.raises(KeyError):
        genie("confuse", "--src-dir", "photos")
    assert "is not a setting" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 1, "there is not enough memory"),
        (PermissionError(13, "Permission denied", "photos/x"), 1, "error: photos/x: Permission denied"),
        (OSError(28, "No space left on device"), 1, "free some space"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_ends_that_no_command_foresees(
    genie: Genie, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, code: int, words: str
) -> None:
    (tmp_path / "photos").mkdir()

    def ended(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(api, "confuse", ended)
    result = genie("confuse", "--src-dir", "photos")
    assert result.exit_code == code
    assert words in result.stderr


PIPES = [
    ("generate", "--src-dir", "pipe", "--targets", "three"),
    ("generate", "--plan", "pipe"),
    ("generate", "--config", "pipe"),
    ("generate", "--src-dir", "photos", "--targets", "@pipe"),
    ("generate", "--src-dir", "photos", "--targets", "three", "--confusion", "pipe"),
    ("generate", "--src-dir", "photos", "--targets", "three", "--out", "pipe"),
    ("oracle", "pipe"),
    ("oracle", "made", "--out", "pipe"),
    ("oracle", "pipe", "--class-map", "pipe"),
    ("explain", "pipe"),
    ("confuse", "--from-logits", "pipe", "--true", "pipe"),
    ("confuse", "--from-predictions", "pipe"),
    ("confuse", "--src-dir", "photos", "--out", "pipe"),
    ("fewshot", "--manifest", "pipe"),
    ("fewshot", "--episode-list", "pipe"),
    ("fewshot", "--backbone", "unisiam-resnet18", "--checkpoint", "pipe"),
    ("fewshot", "--dataset", "mini", "--data-dir", "pipe", "--backbone", "digits"),
    ("fewshot", "--plan-out", "pipe"),
    ("longtail", "--checkpoint", "pipe"),
    ("init", "--out", "pipe"),
]


@pytest.mark.parametrize("words", PIPES, ids=" ".join)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_nothing_but_regular_files_is_opened(genie: Genie, photos: Path, words: tuple[str, ...], kind: str) -> None:
    """A named pipe would be waited for, and a device has no end."""
    pipe = photos.with_name("pipe")
    if kind == "pipe":
        os.mkfifo(pipe)
    else:
        pipe.symlink_to("/dev/zero")

    def stuck(*_: object) -> None:
        raise TimeoutError(f"genie {' '.join(words)} waits for a pipe")

    signal.signal(signal.SIGALRM, stuck)
    signal.alarm(30)
    try:
        result = genie(*words)
    finally:
        signal.alarm(0)
    assert result.exit_code in (1, 2)
    assert "waits for a pipe" not in result.stderr
    assert "fault of genie" not in result.stderr
    assert pipe.is_fifo() or pipe.is_symlink()
