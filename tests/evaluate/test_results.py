"""Results files are told from everybody else's by their hashes, whatever is in them and whenever a run is killed."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import dataclasses

from genie_cli.errors import OutputError
from genie_cli.evaluate import results
from genie_cli.evaluate.results import RECORD_FILES, comma_separated, files_of, lines, require_own, write
from genie_cli.files import writing
from genie_cli.files.cells import unescape_cell
from tests.damage import damaged, only_our_errors

ANY = dict.fromkeys(RECORD_FILES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A record as the benchmarks have them."""

    name: str
    value: float
    other: float | None = None


WORDS = st.text(st.sampled_from("abc é,;\"'\n=+-@\t🦊[]"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FIGURES = st.lists(st.builds(Figure, name=WORDS, value=NUMBERS, other=st.none() | NUMBERS), max_size=4)
ONE, OTHER = [Figure(name="weak", value=1.5)], [Figure(name="weak", value=2.5)]


@given(FIGURES)
def test_what_was_written_is_read_back(records: list[Figure]) -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(Figure, records), newline="")))
    assert not any(row["name"].startswith(("=", "+", "-", "@", "\t", "\n")) for row in rows)
    given_back = [{**row, "name": unescape_cell(row["name"])} for row in rows]
    assert [Figure(**{key: value or None for key, value in row.items()}) for row in given_back] == records  # type: ignore[arg-type]
    text = lines(records)
    assert text.count("\n") == len(records)
    assert [Figure(**json.loads(line)) for line in text.split("\n")[:-1]] == records


def test_a_cell_is_no_formula_and_a_number_stays_one() -> None:
    records = [Figure(name="=1+1", value=-0.36), Figure(name="-x", value=-1), Figure(name="'=", value=0)]
    assert comma_separated(Figure, records) == "name,value,other\n'=1+1,-0.36,\n'-x,-1.0,\n''=,0.0,\n"


def test_the_text_is_the_same_everywhere() -> None:
    records = [Figure(name="a,b", value=1, other=0.1), Figure(name="c", value=1e-7)]
    assert lines(records) == '{"name":"a,b","value":1.0,"other":0.1}\n{"name":"c","value":1e-7,"other":null}\n'
    assert comma_separated(Figure, records) == 'name,value,other\n"a,b",1.0,0.1\nc,1e-07,\n'
    assert comma_separated(Figure, []) == "name,value,other\n"


class TestOwnership:
    def test_a_rerun_replaces_what_genie_wrote(self, tmp_path: Path) -> None:
        out = tmp_path / "new/out"
        for records in (ONE, OTHER, ONE, ONE):
            require_own(out, ANY)
            write(out, files_of(Figure, records))
            assert (out / "results.jsonl").read_text() == lines(records)
            assert (out / "results.csv").read_text() == comma_separated(Figure, records)
        marker = json.loads((out / ".genie/results.json").read_text())
        assert marker["kind"] == "genie.results"
        assert {name: len(hashes) for name, hashes in marker["files"].items()} == dict.fromkeys(RECORD_FILES, 2)

    @pytest.mark.parametrize("name", RECORD_FILES)
    @pytest.mark.parametrize(
        "content",
        ["", "mine", lines(ONE), lines(OTHER), "name,value,other\n", '{"dataset":"mini","backbone":"x"}\n'],
    )
    @pytest.mark.parametrize("after_a_run", [False, True])
    def test_somebody_elses_file_is_refused_and_stays(
        self, tmp_path: Path, name: str, content: str, after_a_run: bool
    ) -> None:
        if after_a_run:
            write(tmp_path, files_of(Figure, [Figure(name="earlier", value=0)]))
        (tmp_path / name).write_text(content)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(OutputError, match=f"{name} was not written by genie, or has been edited since") as refused:
            require_own(tmp_path, ANY)
        assert "choose another --out" in refused.value.hint
        with pytest.raises(OutputError, match=name):
            write(tmp_path, files_of(Figure, [Figure(name="now", value=3)]))
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_a_file_larger_than_any_of_ours_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "results.csv").touch()
        os.truncate(tmp_path / "results.csv", 1 << 40)
        with pytest.raises(OutputError, match=r"results\.csv was not written by genie"):
            require_own(tmp_path, ANY)

    def test_an_edited_file_is_somebodys_own(self, tmp_path: Path) -> None:
        write(tmp_path, files_of(Figure, ONE))
        with (tmp_path / "results.csv").open("a") as file:
            file.write("a note\n")
        with pytest.raises(OutputError, match=r"results\.csv"):
            require_own(tmp_path, ANY)
        (tmp_path / "results.csv").rename(tmp_path / "notes.csv")
        write(tmp_path, files_of(Figure, OTHER))
        assert (tmp_path / "notes.csv").read_text().endswith("a note\n")

    def test_a_file_that_is_to_be_written_as_it_is_may_be_anybodys(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text("list")
        require_own(tmp_path, {"list.jsonl": "list"})
        write(tmp_path, {"list.jsonl": "list"})
        write(tmp_path, {"list.jsonl": "another"})
        (tmp_path / "list.jsonl").write_text("edited")
        with pytest.raises(OutputError, match=r"list\.jsonl"):
            require_own(tmp_path, {"list.jsonl": "list"})

    def test_one_commands_files_are_not_anothers(self, tmp_path: Path) -> None:
        """A file is known by its name and its content, and by neither alone."""
        write(tmp_path, {"results.csv": "a"})
        (tmp_path / "results.jsonl").write_text("a")
        with pytest.raises(OutputError, match=r"results\.jsonl"):
            require_own(tmp_path, ANY)

    @pytest.mark.parametrize("killed_at", range(4))
    def test_a_run_that_was_killed_in_between_can_be_repeated(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
    ) -> None:
        """Before the marker, after it, after the first file, and after both."""
        write(tmp_path, files_of(Figure, ONE))
        writes = 0

        def killed(path: Path, content: bytes, *, follow: bool) -> None:
            nonlocal writes
            if writes == killed_at:
                raise KeyboardInterrupt
            writes += 1
            writing.write_atomically(path, content, follow=follow)

        with monkeypatch.context() as patch:
            patch.setattr(results, "write_atomically", killed)
            if killed_at < 3:
                with pytest.raises(KeyboardInterrupt):
                    write(tmp_path, files_of(Figure, OTHER))
        require_own(tmp_path, ANY)
        write(tmp_path, files_of(Figure, OTHER))
        assert (tmp_path / "results.jsonl").read_text() == lines(OTHER)
        assert (tmp_path / "results.csv").read_text() == comma_separated(Figure, OTHER)

    @pytest.mark.parametrize(
        "content",
        [
            *("", "mine", "[]", "[" * 9999, "\0", "3", "null"),
            '{"kind": "genie.confusion", "files": {}}',
            '{"kind": "genie.results"}',
            '{"kind": "genie.results", "files": {}, "more": 1}',
            '{"kind": "genie.results", "files": {"results.csv": "0"}}',
            '{"kind": "genie.results", "files": {"results.csv": [true]}}',
            '{"kind": "genie.results", "files": {"results.csv": [NaN]}}',
            f'{{"kind": "genie.results", "files": {{"results.csv": ["{"0" * 63}"]}}}}',
        ],
    )
    def test_a_marker_that_is_none_is_named_and_stays(self, tmp_path: Path, content: str) -> None:
        (tmp_path / ".genie").mkdir()
        (tmp_path / ".genie/results.json").write_text(content)
        with pytest.raises(OutputError, match=r"results\.json is not a list of genie's results files"):
            write(tmp_path, files_of(Figure, ONE))
        assert (tmp_path / ".genie/results.json").read_text() == content
        assert not (tmp_path / "results.csv").exists()

    @pytest.mark.parametrize("place", ["results.csv", ".genie/results.json"])
    def test_a_folder_in_the_way_is_named(self, tmp_path: Path, place: str) -> None:
        (tmp_path / place).mkdir(parents=True)
        with pytest.raises(OutputError, match=rf"{place} cannot be read"):
            require_own(tmp_path, ANY)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="cannot write"):
            write(tmp_path / "file/out", files_of(Figure, ONE))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_a_marker_that_was_changed_is_one_or_none(self, tmp_path: Path, choose: st.DataObject) -> None:
        marker = tmp_path / ".genie/results.json"
        marker.unlink(missing_ok=True)
        (tmp_path / "results.jsonl").unlink(missing_ok=True)
        (tmp_path / "results.csv").unlink(missing_ok=True)
        write(tmp_path, files_of(Figure, ONE))
        marker.write_bytes(choose.draw(damaged(marker.read_bytes())))
        only_our_errors(lambda: require_own(tmp_path, ANY))


class TestInTheWay:
    """Nothing is written through a link, and what is in the way is named."""

    @pytest.mark.parametrize("place", [".genie", ".genie/results.json", "results.csv"])
    @pytest.mark.parametrize("kind", ["a link", "a broken link", "a named pipe"])
    def test_what_waits_there(self, tmp_path: Path, place: str, kind: str) -> None:
        theirs, out = tmp_path / "theirs", tmp_path / "out"
        theirs.mkdir()
        (out / place).parent.mkdir(parents=True)
        if kind == "a named pipe":
            os.mkfifo(out / place)
        else:
            (out / place).symlink_to(theirs if kind == "a link" else theirs / "new")
        for check in (partial(require_own, out, ANY), partial(write, out, files_of(Figure, ONE))):
            with pytest.raises(OutputError, match=rf"{place} (is|cannot be read: it is) a ") as refused:
                check()
            assert "choose another --out" in refused.value.hint
        assert list(theirs.iterdir()) == []

    @pytest.mark.parametrize("kind", [".genie", "out"])
    def test_a_file_in_the_place_of_a_folder(self, tmp_path: Path, kind: str) -> None:
        (tmp_path / kind).write_text("mine")
        with pytest.raises(OutputError, match=kind):
            write(tmp_path if kind == ".genie" else tmp_path / kind, files_of(Figure, ONE))
        assert (tmp_path / kind).read_text() == "mine"

    @pytest.mark.parametrize(("name", "reason"), [("a\0b", "no file can have this name"), ("x" * 300, "too long")])
    def test_a_name_that_no_folder_can_have(self, tmp_path: Path, name: str, reason: str) -> None:
        path = tmp_path / name
        for check in (partial(require_own, path, ANY), partial(write, path, files_of(Figure, ONE))):
            with pytest.raises(OutputError, match=reason):
                check()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_without_permission(self, tmp_path: Path) -> None:
        write(tmp_path, files_of(Figure, ONE))
        (tmp_path / "results.csv").chmod(0)
        with pytest.raises(OutputError, match=r"results\.csv cannot be read: Permission denied"):
            require_own(tmp_path, ANY)
        (tmp_path / "results.csv").chmod(0o644)
        (tmp_path / ".genie").chmod(0o500)
        with pytest.raises(OutputError, match=r"cannot write .*: Permission denied"):
            write(tmp_path, files_of(Figure, OTHER))
        (tmp_path / ".genie").chmod(0o700)
        write(tmp_path, files_of(Figure, OTHER))

    def test_on_a_full_disk(self, tmp_path: Path) -> None:
        write(tmp_path, files_of(Figure, ONE))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OutputError, match=r"cannot write .*results\.jsonl: File too large"):
                write(tmp_path, files_of(Figure, ONE * 1000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert (tmp_path / "results.jsonl").read_text() == lines(ONE)
        write(tmp_path, files_of(Figure, ONE * 1000))
