"""A journal that a killed writer left is read and continued; a plan or manifest that was cut off is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli import manifest
from genie_cli.errors import ManifestError
from genie_cli.manifest import Status
from tests.manifests import HEADER, a_job, a_row, on_disk


class TestTornByAKilledWriter:
    some = (a_row(a_job("füchse 🦊")), a_row(a_job("owl"), Status.FAILED, reason="zu groß\n"))
    whole = (HEADER.line() + "".join(row.line() for row in some)).encode()
    new = a_row(a_job("yak"))

    def test_at_every_byte_it_is_read_and_healed(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        header_ends = self.whole.index(b"\n") + 1
        for end in range(len(self.whole) + 1):
            path.write_bytes(self.whole[:end])
            complete = self.whole[: self.whole.rfind(b"\n", 0, end) + 1]
            if end >= header_ends - 1:
                count = complete.count(b"\n") - 1
                # A row that lacks nothing but its line break is read, too.
                assert on_disk(path) in [list(self.some[: max(count, 0)]), list(self.some[: count + 1])]
            else:
                with pytest.raises(ManifestError, match="is empty"):
                    on_disk(path)
            manifest.drop_torn_line(path)
            assert path.read_bytes() == complete
            with path.open("a", encoding="utf-8") as stream:
                stream.write(self.new.line())
            assert path.read_bytes() == complete + self.new.line().encode()
            if complete:
                assert on_disk(path) == [*self.some[: complete.count(b"\n") - 1], self.new]

    def test_what_is_whole_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        path.write_bytes(self.whole)
        manifest.drop_torn_line(path)
        assert path.read_bytes() == self.whole

    @pytest.mark.parametrize("length", [10, 1 << 16, (1 << 16) + 1, 1 << 18])
    def test_a_long_line_is_cut_off_whole(self, tmp_path: Path, length: int) -> None:
        """A journal is looked at from its end, piece by piece, since it may be larger than memory."""
        path = tmp_path / "journal.jsonl"
        for before in (b"", self.whole):
            path.write_bytes(before + b"x" * length)
            manifest.drop_torn_line(path)
            assert path.read_bytes() == before

    def test_a_large_journal_cut_within_a_character(self, tmp_path: Path) -> None:
        """Text is decoded in pieces, and a piece may end anywhere."""
        path = tmp_path / "journal.jsonl"
        lines = HEADER.line() + "".join(a_row(a_job(f"{number} 🦊")).line() for number in range(100))
        for cut in (1, 2, 3):
            path.write_bytes(lines.encode() + '{"target": "🦊'.encode()[:-cut])
            assert len(on_disk(path)) == 100


class TestCutOff:
    """A finished plan or manifest has no incomplete line: one that is read by name was cut off."""

    def test_at_every_byte_of_the_last_row(self, tmp_path: Path) -> None:
        path, rows = tmp_path / "manifest.jsonl", [a_row().line(), a_row(a_job("füchse 🦊")).line()]
        whole = (HEADER.line() + "".join(rows)).encode()
        for lost in range(2, len(rows[1].encode())):
            path.write_bytes(whole[:-lost])
            with (
                pytest.raises(ManifestError, match="its last line is incomplete: the file was cut off"),
                manifest.opened(path) as document,
            ):
                list(document.rows())

    def test_a_last_row_that_lacks_only_its_line_break_is_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "manifest.jsonl"
        path.write_text((HEADER.line() + a_row().line()).rstrip("\n"), encoding="utf-8")
        with manifest.opened(path) as document:
            assert list(document.rows()) == [a_row()]

    @pytest.mark.parametrize(("name", "reason"), [(".", "has no manifest.jsonl"), ("nowhere", "does not exist")])
    def test_what_is_not_there_is_said(self, tmp_path: Path, name: str, reason: str) -> None:
        with pytest.raises(ManifestError, match=reason) as caught, manifest.opened(tmp_path / name):
            pass
        assert caught.value.hint
