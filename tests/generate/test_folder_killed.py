"""An output folder whose run was killed at any moment: nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genie_cli.config import Format
from genie_cli.generate.folder import Output
from genie_cli.generate.paths import file_of
from genie_cli.header import Header
from genie_cli.manifest import Status
from tests.generate.outputs import HEADER, PLAN, a_job, documents, killed, known, run, save


class TestKilled:
    def test_a_run_goes_on_and_ends_in_the_same_bytes(self, tmp_path: Path) -> None:
        run(Output(tmp_path / "whole", HEADER), PLAN)
        killed(Output(tmp_path / "killed", HEADER), PLAN[:5])
        again = Output(tmp_path / "killed", HEADER)
        with again.opened():
            assert known(again) == {job.id for job in PLAN[:5]}
            save(again, PLAN[5:])
            again.finish(PLAN)
        assert documents(again.root) == documents(tmp_path / "whole")

    def test_at_every_byte_of_its_journal(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also before the header was there, or within it, or within a character."""
        monkeypatch.setattr(os, "fsync", lambda _: None)
        out = Output(tmp_path, Header(kind="genie.manifest"))
        killed(out, PLAN[:2])
        journal = tmp_path / ".genie/journal.jsonl"
        content = journal.read_bytes()
        assert "🦊".encode() in content
        for end in range(len(content)):
            journal.write_bytes(content[:end])
            with out.opened():
                before = known(out)
                assert len(before) == max(content[:end].count(b"\n") - 1, 0)
                save(out, [job for job in PLAN[:2] if job.id not in before])
                assert journal.read_bytes() == content
                assert known(out) == {job.id for job in PLAN[:2]}

    def test_another_shard_anywhere_in_its_journal(self, tmp_path: Path) -> None:
        header = Header(kind="genie.manifest")
        killed(Output(tmp_path, header, "-1-of-2"), PLAN[:1])
        journal = tmp_path / ".genie/journal-1-of-2.jsonl"
        content = journal.read_bytes()
        assert "🦊".encode() in content
        other = Output(tmp_path, header, "-2-of-2")
        fox = content.index("🦊".encode())
        for end in sorted({*range(0, len(content), 9), *range(fox, fox + 4)}):
            journal.write_bytes(content[:end])
            with other.opened():
                assert max(content[:end].count(b"\n") - 1, 0) <= len(known(other)) <= content[:end].count(b"\n")
            assert journal.read_bytes() == content[:end]

    def test_a_whole_run_takes_over_from_a_killed_shard(self, tmp_path: Path) -> None:
        run(Output(tmp_path / "whole", HEADER), PLAN)
        killed(Output(tmp_path / "parts", HEADER, "-1-of-2"), PLAN[:5])
        out = Output(tmp_path / "parts", HEADER)
        with out.opened():
            before = known(out)
            save(out, [job for job in PLAN if job.id not in before])
            out.finish(PLAN)
        assert documents(out.root) == documents(tmp_path / "whole")

    def test_between_the_image_and_its_journal_line(self, tmp_path: Path) -> None:
        path = tmp_path / file_of(a_job(), Format.PNG)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"image")
        with Output(tmp_path, HEADER).opened():
            assert Output(tmp_path, HEADER).save(a_job(), b"image", Format.PNG, 8).status is Status.MADE

    def test_what_was_set_aside_is_swept_away(self, tmp_path: Path) -> None:
        (tmp_path / ".genie/aside").mkdir(parents=True)
        (tmp_path / ".genie/aside/half").write_bytes(b"ima")
        run(Output(tmp_path, HEADER), PLAN)
        assert not (tmp_path / ".genie/aside").exists()
