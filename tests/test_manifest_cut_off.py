"""A journal that a killed writer left is read and continued; a plan or manifest that was cut off is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genie_cli import manifest
from genie_cli.errors import ManifestError
from genie_cli.files.json_lines import drop_torn_line
from genie_cli.manifest import Row, Status
from tests.manifests import HEADER, a_job, a_row, on_disk


def heal(path: Path) -> None:
    with path.open("rb+") as file:
        drop_torn_line(file, str(path))


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
                with pytest.raises(ManifestError, match="was cut off" if end else "is empty"):
                    on_disk(path)
            heal(path)
            assert path.read_bytes() == complete
            with path.open("a", encoding="utf-8") as stream:
                stream.write(self.new.line())
            assert path.read_bytes() == complete + self.new.line().encode()
            if complete:
                assert on_disk(path) == [*self.some[: complete.count(b"\n") - 1], self.new]

    def test_what_is_whole_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        path.write_bytes(self.whole)
        heal(path)
        assert path.read_bytes() == self.whole

    @pytest.mark.parametrize("length", [10, 1 << 16, (1 << 16) + 1, 1 << 18])
    def test_a_long_line_is_cut_off_whole(self, tmp_path: Path, length: int) -> None:
        """A journal is looked at from its end, piece by piece, since it may be larger than memory."""
        path = tmp_path / "journal.jsonl"
        for before in (b"", self.whole):
            path.write_bytes(before + b"x" * length)
            heal(path)
            assert path.read_bytes() == before

    def test_what_has_no_line_breaks_is_no_journal(self, tmp_path: Path) -> None:
        """A file may be larger than any disk, and nothing but a hole."""
        path = tmp_path / "journal.jsonl"
        path.write_bytes(self.whole)
        os.truncate(path, 1 << 40)
        with pytest.raises(ManifestError, match="without a line break: it is no journal"):
            heal(path)
        assert path.stat().st_size == 1 << 40

    def test_a_large_journal_cut_within_a_character(self, tmp_path: Path) -> None:
        """Text is decoded in pieces, and a piece may end anywhere."""
        path = tmp_path / "journal.jsonl"
        lines = HEADER.line() + "".join(a_row(a_job(f"{number} 🦊")).line() for number in range(100))
        for cut in (1, 2, 3):
            path.write_bytes(lines.encode() + '{"target": "🦊'.encode()[:-cut])
            assert len(on_disk(path)) == 100


class TestCutOff:
    """A finished plan or manifest has no incomplete line: one that is read by name was cut off."""

    some = (a_row(), a_row(a_job("füchse 🦊")), a_row(a_job("owl"), Status.FAILED, reason="no luck"))

    def read(self, path: Path, content: bytes) -> list[Row]:
        path.write_bytes(content)
        with manifest.opened(path) as document:
            return list(document.rows())

    def test_at_every_byte(self, tmp_path: Path) -> None:
        """What genie writes says how many rows it has: a file that was cut off at a line's end is seen, too."""
        whole = "".join(manifest.lines_of(HEADER, map(Row.line, self.some), len(self.some))).encode()
        assert self.read(tmp_path / "m.jsonl", whole) == list(self.some)
        for end in range(len(whole)):
            with pytest.raises(ManifestError, match=r"cut off|is empty"):
                self.read(tmp_path / "m.jsonl", whole[:end])

    def test_without_a_number_of_rows_at_every_byte_of_a_line(self, tmp_path: Path) -> None:
        """A file of an earlier genie, or one that was written by hand."""
        whole = (HEADER.line() + "".join(map(Row.line, self.some))).encode()
        for end in range(1, len(whole)):
            if whole[end - 1 : end] != b"\n":
                with pytest.raises(ManifestError, match="its last line is incomplete: the file was cut off"):
                    self.read(tmp_path / "m.jsonl", whole[:end])
        assert self.read(tmp_path / "m.jsonl", whole) == list(self.some)

    @pytest.mark.parametrize("count", [0, 2, 4])
    def test_rows_taken_out_or_added_are_seen(self, tmp_path: Path, count: int) -> None:
        text = "".join(manifest.lines_of(HEADER, map(Row.line, self.some), count))
        with pytest.raises(ManifestError, match=f"has 3 rows, and its first line says {count}") as caught:
            self.read(tmp_path / "m.jsonl", text.encode())
        assert 'take "rows" out of its first line' in caught.value.hint

    @pytest.mark.parametrize(("name", "reason"), [(".", "has no manifest.jsonl"), ("nowhere", "does not exist")])
    def test_what_is_not_there_is_said(self, tmp_path: Path, name: str, reason: str) -> None:
        with pytest.raises(ManifestError, match=reason) as caught, manifest.opened(tmp_path / name):
            pass
        assert caught.value.hint
