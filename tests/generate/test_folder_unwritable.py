"""An output folder that cannot be written to, or on a disk that is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from genie_cli.config import Format
from genie_cli.errors import OutputError
from genie_cli.generate.binding import begun
from genie_cli.generate.folder import Output
from genie_cli.manifest import Row, Status
from tests.generate.outputs import HEADER, PLAN, a_job, documents, files, known, refuse, rows, run, save


class TestUnwritable:
    @pytest.mark.parametrize("below", ["file", "file/out"])
    def test_a_file_where_a_folder_should_be(self, tmp_path: Path, below: str) -> None:
        (tmp_path / "file").write_text("mine")
        with (
            pytest.raises(OutputError, match=r"cannot write to .*file") as caught,
            Output(tmp_path / below, HEADER).opened(),
        ):
            pass
        assert caught.value.hint == "choose another --out"
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_folder_that_cannot_be_looked_into(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="File name too long"):
            begun(tmp_path / ("x" * 300))

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
    def test_a_full_disk_leaves_no_half_image(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened():
            out.save(a_job(), b"image", Format.PNG, 8)
            before = files(tmp_path / "train")
            with monkeypatch.context() as full:
                full.setattr(os, "fsync", refuse(number))
                with pytest.raises(OutputError, match=f"cannot write to .*: {os.strerror(number)}") as caught:
                    out.save(a_job("owl"), b"image", Format.PNG, 8)
            assert ("free some space" in caught.value.hint) == (number != errno.EIO)
            assert files(tmp_path / "train") == before
            assert not (tmp_path / "train/owl").exists()
            assert known(out) == {a_job().id}
            assert out.save(a_job("owl"), b"image", Format.PNG, 8).status is Status.MADE
            out.finish([a_job(), a_job("owl")])
        assert len(rows(out)) == 2

    def test_a_full_disk_leaves_the_manifest_that_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = Output(tmp_path, HEADER)
        run(out, PLAN[:6], PLAN)
        before = documents(tmp_path)
        with out.opened():
            save(out, PLAN[6:])
            with monkeypatch.context() as full:
                full.setattr(os, "fsync", refuse(errno.ENOSPC))
                with pytest.raises(OutputError):
                    out.finish(PLAN)
            assert documents(tmp_path) == before
        assert len(run(Output(tmp_path, HEADER), [])) == len(PLAN)

    def test_a_disk_that_fills_up_within_a_line_leaves_whole_lines(self, tmp_path: Path) -> None:
        resource = pytest.importorskip("resource")
        out = Output(tmp_path, HEADER)
        journal = tmp_path / ".genie/journal.jsonl"
        with out.opened():
            save(out, PLAN[:2])
            whole = journal.read_bytes()
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 40, limits[1]))
            try:
                with pytest.raises(OutputError) as caught:
                    out.note(Row(PLAN[2], Status.FAILED, reason="no luck"))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert "free some space" in caught.value.hint
            assert journal.read_bytes() == whole
            save(out, PLAN[2:])
            out.finish(PLAN)
        assert len(rows(out)) == len(PLAN)

    def test_a_class_name_that_is_too_long(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened(), pytest.raises(OutputError, match="is too long for a folder"):
            out.save(a_job("x" * 300), b"image", Format.PNG, 8)
