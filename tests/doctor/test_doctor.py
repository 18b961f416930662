"""`genie doctor`: what it finds on this machine, what it reports of a broken one, and how it prints both."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import typer
from rich.console import Console
from typer.testing import CliRunner

import genie_cli
from genie_cli.cli.doctor import doctor, show
from genie_cli.doctor.disk import disk
from genie_cli.doctor.examine import examine
from genie_cli.doctor.finding import Finding
from genie_cli.doctor.models import DEFAULT, bundled
from genie_cli.doctor.models import cache as cached_models
from tests.diffusion.snapshots import copied
from tests.slow import slow

AREAS = ["versions", "device", "memory", "precision", "attention", "models", "cache", "disk"]

app = typer.Typer()
app.command()(doctor)


def one(findings: Sequence[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    return examine(tmp_path_factory.mktemp("out"))


class TestThisMachine:
    def test_every_area_is_there_in_order(self, findings: list[Finding]) -> None:
        assert list(dict.fromkeys(finding.area for finding in findings)) == AREAS

    def test_every_problem_has_a_remedy(self, findings: list[Finding]) -> None:
        assert all(finding.remedy for finding in findings if not finding.ok)
        assert all(finding.value for finding in findings)

    def test_versions_are_those_that_run(self, findings: list[Finding]) -> None:
        assert torch.__version__.startswith(one(findings, "torch").value)
        assert one(findings, "python").value.startswith(".".join(map(str, sys.version_info[:3])))

    def test_one_precision_is_the_default(self, findings: list[Finding]) -> None:
        precisions = [finding for finding in findings if finding.area == "precision"]
        assert [finding.name for finding in precisions] == ["fp32", "bf16", "fp16"]
        assert [finding.value for finding in precisions].count("works, the default here") == 1

    def test_some_attention_works(self, findings: list[Finding]) -> None:
        assert any(f.area == "attention" and f.value.startswith("works") for f in findings)


class TestModels:
    @pytest.fixture
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An empty cache; returns where in it the snapshot of Stable Diffusion 1.5 belongs."""
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        assert DEFAULT.commit
        folder = tmp_path / f"models--{DEFAULT.name.replace('/', '--')}" / "snapshots" / DEFAULT.commit
        folder.mkdir(parents=True)
        return folder

    FILES = (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "vae/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    )

    def fill(self, folder: Path, files: Sequence[str]) -> None:
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()

    def finding(self, out: Path) -> Finding:
        return one(examine(out), "stable-diffusion-v1-5")

    def test_not_cached_is_no_problem(self, cache: Path) -> None:
        found = self.finding(cache)
        assert (found.ok, found.value) == (True, "not cached")
        assert found.remedy.startswith(f"hf download {DEFAULT.name} --revision {DEFAULT.commit} ")
        assert found.remedy.endswith("# or try the bundled model, without a download: --model digits")

    def test_cached(self, cache: Path) -> None:
        self.fill(cache, self.FILES)
        assert self.finding(cache) == Finding("cache", "stable-diffusion-v1-5", "cached")

    def test_another_revision_is_listed(self, cache: Path) -> None:
        """Of the model by default, and of others: with what is to be typed."""
        copied(cache.with_name("0123abcd"))
        copied(cache.parents[2] / "models--somebody--tiny/snapshots/89ef")
        findings = {finding.name: finding for finding in cached_models()}
        assert findings["stable-diffusion-v1-5"].value == "not cached"
        assert findings[DEFAULT.name].value == "cached: --revision 0123abcd"
        assert findings["somebody/tiny"].value == "cached: --revision 89ef"

    def test_half_a_download_is_not_a_model(self, cache: Path) -> None:
        self.fill(cache, self.FILES[:-2])
        found = self.finding(cache)
        assert found.value.startswith("partly cached, without unet/diffusion_pytorch_model")
        assert found.remedy

    def test_a_package_without_its_models(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("diffusion.locate", "backbones.digits"):
            monkeypatch.setattr(f"genie_cli.{module}.files", lambda package: tmp_path)
        findings = examine(tmp_path)
        for name in ("digits", "oracle", "encoder"):
            assert not one(findings, name).ok
            assert "pip install --force-reinstall" in one(findings, name).remedy

    @pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler", "oracle", "encoder"])
    def test_a_damaged_part_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
        """Cut off in the middle, as by a full disk while installing."""
        folder = tmp_path / "bundled"
        shutil.copytree(Path(genie_cli.__file__).parent / "bundled", folder)
        for module in ("diffusion.locate", "backbones.digits"):
            monkeypatch.setattr(f"genie_cli.{module}.files", lambda package: tmp_path)
        model = "digits" if (folder / "digits" / part).exists() else part
        largest = max((folder / "digits" / part, folder / part)[model == part].glob("*"), key=os.path.getsize)
        largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
        findings = {finding.name: finding for finding in bundled(whole=True)}
        assert [name for name, finding in findings.items() if not finding.ok] == [model]
        assert f"/{part}" in findings[model].value

    def test_a_cache_that_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "hub").symlink_to("hub")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        found = self.finding(tmp_path)
        assert not found.ok
        assert "cannot be read: Too many levels of symbolic links" in found.value
        assert "HF_HUB_CACHE" in found.remedy


class TestDisk:
    def test_a_folder_that_does_not_exist_is_judged_by_its_parent_and_not_created(self, tmp_path: Path) -> None:
        found = one(examine(tmp_path / "a" / "b"), "output")
        assert "free for" in found.value
        assert list(tmp_path.iterdir()) == []

    def test_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        found = one(examine(tmp_path / "file" / "out"), "output")
        assert not found.ok
        assert "cannot be written" in found.value
        assert "--out" in found.remedy

    @pytest.mark.parametrize("name", ["a\0b", "x" * 300])
    def test_a_folder_that_cannot_be(self, tmp_path: Path, name: str) -> None:
        found = disk("output", tmp_path / name, "remedy")
        assert not found.ok
        assert "cannot be written: " in found.value

    def test_a_working_directory_that_is_gone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert disk("output", Path("out"), "remedy").value == "out cannot be written: No such file or directory"

    def test_too_little_room(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("genie_cli.doctor.disk.MIN_FREE", 2**80)
        findings = examine(tmp_path)
        for name in ("output", "model cache"):
            assert not one(findings, name).ok
            assert "less than" in one(findings, name).value
            assert one(findings, name).remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch uses the GPU here")
class TestUnusedGpu:
    @pytest.fixture(autouse=True)
    def nvidia_smi(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "nvidia-smi"
        program.touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def test_one_that_torch_cannot_use_is_a_problem(self, tmp_path: Path) -> None:
        found = one(examine(tmp_path), "NVIDIA GPU")
        assert not found.ok
        assert found.value
        assert found.remedy

    def test_one_that_was_hidden_is_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        found = one(examine(tmp_path), "NVIDIA GPU")
        assert (found.ok, found.remedy) == (True, "unset CUDA_VISIBLE_DEVICES")


class TestCommand:
    def test_json_lines(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["--json", "--out", str(tmp_path)])
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert all(list(row) == ["area", "name", "value", "ok", "remedy"] for row in rows)
        assert result.exit_code == (0 if all(row["ok"] for row in rows) else 1)

    def test_a_pipe_gets_json_lines_too(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["--out", str(tmp_path)])
        assert json.loads(result.stdout.splitlines()[0])["name"] == "python"

    def test_a_terminal_gets_a_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        (tmp_path / "file").touch()
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        with pytest.raises(typer.Exit) as exit_:
            doctor(tmp_path / "file" / "out")
        assert exit_.value.exit_code == 1
        assert "genie generate --out /path/on/another/disk\n" in screen.getvalue()

    @slow
    def test_a_broken_environment(self, tmp_path: Path) -> None:
        """In a process of its own, since huggingface_hub reads the environment when it is imported."""
        (tmp_path / "file").touch()
        environment = {
            "HF_HUB_CACHE": str(tmp_path / "file" / "hub"),  # not even root can write below a file
            "HF_HUB_OFFLINE": "1",
            "HF_TOKEN": "hf_" + "s3cret",
        }
        program = "import typer; from genie_cli.cli.doctor import doctor; typer.run(doctor)"
        done = subprocess.run(
            [sys.executable, "-c", program, "--out", str(tmp_path)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        findings = [Finding(**json.loads(line)) for line in done.stdout.splitlines()]
        assert (done.returncode, done.stderr) == (1, "")
        assert not one(findings, "model cache").ok
        assert "HF_HUB_CACHE" in one(findings, "model cache").remedy
        assert one(findings, "stable-diffusion-v1-5").remedy.startswith("HF_HUB_OFFLINE=0 hf download")
        assert one(findings, "HF_TOKEN").value == "set"
        assert "s3cret" not in done.stdout

    def test_its_help_does_not_import_torch(self) -> None:
        program = "import sys, genie_cli.cli.doctor; sys.exit('torch' in sys.modules)"
        subprocess.run([sys.executable, "-c", program], check=True)


class TestShow:
    def shown(self, *findings: Finding) -> str:
        screen = io.StringIO()
        show(findings, Console(file=screen, width=40))
        return screen.getvalue()

    def test_remedies_can_be_copied_from_a_narrow_terminal(self) -> None:
        remedy = "pip install --force-reinstall --no-deps something-with-a-long-name"
        text = self.shown(Finding("models", "digits", "missing", ok=False, remedy=remedy))
        assert "1 problem:" in text
        assert remedy in text.splitlines()

    def test_additions_are_not_problems(self) -> None:
        text = self.shown(Finding("cache", "model", "not cached", remedy="hf download it"))
        assert "No problems" in text
        assert "hf download it" in text.splitlines()

    def test_areas_are_named_once_and_nothing_is_cut(self) -> None:
        path = "/a/path/that/is/too/long/for/one/line/and/has/[brackets]"
        text = self.shown(Finding("disk", "a", "room"), Finding("disk", "b", path))
        assert text.count("disk") == 1
        assert path in "".join(text.split())
        assert "problem:" not in text
