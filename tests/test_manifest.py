"""What is written is read; what a killed writer left is passed over; everything else is refused, line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genie_cli.errors import ManifestError
from genie_cli.header import SCHEMA, Header, Kind, RunSettings
from genie_cli.jobs import Job, Method, Source
from genie_cli.manifest import Row, Status, plan_line
from tests.manifests import HEADER, PLAN, a_job, a_row, document, edited, on_disk

OWN_COLUMNS = {"id", "status", "file", "sha256", "slots", "reason", *Job.model_fields}
OWN_SETTINGS = {"plan", *RunSettings.model_fields}

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=6,
)
jobs = st.builds(
    a_job,
    target=st.text(min_size=1),
    prompt=st.text(),
    source=st.none() | st.builds(Source, path=st.just("a.png"), sha256=st.just("0" * 64), label=st.text()),
    method=st.sampled_from(Method),
    r=st.floats(0, 1, exclude_min=True),
    model=st.text(),
    replicate=st.integers(0, 10**6),
    seed=st.integers(),
)
rows = st.builds(
    Row,
    job=jobs,
    status=st.sampled_from((Status.FAILED, Status.SKIPPED)),
    reason=st.text(),
    extra=st.dictionaries(st.text().filter(lambda key: key not in OWN_COLUMNS), any_json, max_size=3),
) | st.builds(
    Row,
    job=jobs,
    status=st.just(Status.MADE),
    file=st.text("aä🦊 \n\"'", min_size=1),
    sha256=st.just("f" * 64),
    slots=st.integers(1, 1024),
)


class TestRoundTrip:
    @given(st.lists(rows, max_size=5))
    def test_rows(self, some: list[Row]) -> None:
        text = HEADER.line() + "".join(row.line() for row in some)
        assert text.count("\n") == 1 + len(some)
        read = document(text, "genie.manifest")
        assert read.header == HEADER
        assert list(read.rows()) == some

    @given(st.lists(jobs, max_size=5))
    def test_jobs_of_a_plan(self, some: list[Job]) -> None:
        read = document(PLAN.line() + "".join(map(plan_line, some)), "genie.plan")
        assert list(read.jobs()) == some

    @given(
        st.builds(
            Header,
            kind=st.sampled_from(("genie.plan", "genie.manifest")),
            source_root=st.none() | st.text(),
            root=st.none() | st.text(),
            settings=st.dictionaries(st.text().filter(lambda key: key not in OWN_SETTINGS), any_json, max_size=4),
            versions=st.dictionaries(st.text(), st.text(), max_size=4),
        )
    )
    @example(Header.model_validate({"kind": "genie.plan", "settings": {"json": None, "copy": 1, "stated": [], "": {}}}))
    def test_headers(self, header: Header) -> None:
        assert header.line().count("\n") == 1
        assert document(header.line()).header == header

    def test_every_line_break_there_is(self, tmp_path: Path) -> None:
        path = tmp_path / "m.jsonl"
        row = a_row(a_job("a\nb\rc\r\nd\x0be\x0cf\x1cg\x85h\u2028i\u2029j"), reason="\u2028\r\n")
        path.write_text(HEADER.line() + row.line(), encoding="utf-8")
        assert on_disk(path) == [row]

    def test_a_manifest_is_read_as_a_plan(self) -> None:
        text = HEADER.line() + a_row().line() + a_row(a_job("owl"), Status.FAILED, reason="cut short").line()
        assert [job.target for job in document(text).jobs()] == ["fox", "owl"]

    def test_columns_of_other_commands_are_kept(self) -> None:
        (row,) = document(HEADER.line() + edited(a_row(), verdict="keep", scores=[1, 2.5])).rows()
        assert row.extra == {"verdict": "keep", "scores": [1, 2.5]}
        assert json.loads(row.line())["scores"] == [1, 2.5]

    def test_a_row_is_flat_and_says_the_file(self) -> None:
        line = json.loads(a_row().line())
        assert (line["id"], line["status"], line["target"], line["r"]) == (a_job().id, "made", "fox", 0.8)
        assert line["file"] == f"train/{a_job().id}.jpg"
        assert line["source"]["label"] == "cat"
        assert "reason" not in line

    def test_text_is_readable_as_it_is(self) -> None:
        assert "Köter 🐈" in a_row().line()

    def test_blank_lines_are_passed_over(self) -> None:
        assert list(document(f"\n{HEADER.line()}\n  \n{a_row().line()}\n").rows()) == [a_row()]


class TestRefused:
    @pytest.mark.parametrize(
        "bad",
        [
            "{\n",
            "not json\n",
            "[]\n",
            "3\n",
            "null\n",
            "[" * 100_000 + "\n",
            "9" * 5000 + "\n",
            edited(a_row(), target=""),
            edited(a_row(), r=0),
            edited(a_row(), r=2),
            edited(a_row(), method="magic"),
            edited(a_row(), source={"path": "../x", "sha256": "0" * 64, "label": "cat"}),
            edited(a_row(), source=3),
            edited(a_row(), status="perhaps"),
            edited(a_row(), status=[]),
            edited(a_row(), slots="many"),
            edited(a_row(), slots=None),
            edited(a_row(), slots=[]),
            edited(a_row(), slots=-1),
            edited(a_row()).replace('"slots": 8', '"slots": 1e400'),
            "{}\n",
        ],
    )
    def test_a_bad_line_in_the_middle_is_named(self, bad: str) -> None:
        read = document(HEADER.line() + a_row().line() + bad + a_row().line())
        with pytest.raises(ManifestError, match=r"^m\.jsonl, line 3: ") as caught:
            list(read.rows())
        assert (caught.value.path, caught.value.line) == ("m.jsonl", 3)
        assert caught.value.reason

    def test_rows_before_a_bad_line_are_read(self) -> None:
        read = document(HEADER.line() + a_row().line() + "oops\n").rows()
        assert next(read) == a_row()
        with pytest.raises(ManifestError):
            next(read)

    def test_a_bad_last_line_that_was_ended_is_no_torn_one(self) -> None:
        with pytest.raises(ManifestError, match="line 2: is not JSON"):
            list(document(HEADER.line() + a_row().line()[:-5] + "\n").rows())

    @pytest.mark.parametrize("text", ["", "\n", "\n \n"])
    def test_empty(self, text: str) -> None:
        with pytest.raises(ManifestError, match=r"^m\.jsonl: is empty") as caught:
            document(text)
        assert caught.value.line == 0
        assert caught.value.hint

    @pytest.mark.parametrize(
        "text", ["{}\n", '{"kind": "other"}\n', '{"kind": 3}\n', a_row().line(), plan_line(a_job())]
    )
    def test_not_genies(self, text: str) -> None:
        with pytest.raises(ManifestError, match="line 1: is not a genie plan or manifest"):
            document(text)

    def test_no_json(self) -> None:
        with pytest.raises(ManifestError, match="line 1: is not JSON"):
            document("file_name,label\na.png,cat\n")

    @pytest.mark.parametrize("content", [b"\xff\xfe{\0}\0", b'{"kind": "\xe9"}\n', HEADER.line().encode("utf-16")])
    def test_not_utf_8(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "m.jsonl"
        path.write_bytes(content)
        with pytest.raises(ManifestError, match="is not UTF-8 text"):
            on_disk(path)

    def test_another_file_of_genies(self) -> None:
        with pytest.raises(ManifestError, match="line 1: kind cannot be "):
            document('{"kind": "genie.confusion", "schema": 1}\n')

    @pytest.mark.parametrize(("header", "kind"), [(PLAN, "genie.manifest"), (HEADER, "genie.plan")])
    def test_the_other_kind(self, header: Header, kind: Kind) -> None:
        with pytest.raises(ManifestError, match=f"is a {header.kind}, expected a {kind}"):
            document(header.line(), kind)

    def test_newer(self) -> None:
        line = json.dumps({"kind": "genie.manifest", "schema": SCHEMA + 1, "new": {"idea": 1}}) + "\n"
        with pytest.raises(ManifestError, match=rf"newer genie \(schema {SCHEMA + 1}, this one reads {SCHEMA}\)"):
            document(line)

    @pytest.mark.parametrize("change", [{"target": "owl"}, {"r": 0.5}, {"seed": 1}, {"id": "0" * 20}, {"id": None}])
    def test_edited_by_hand(self, change: dict[str, Any]) -> None:
        with pytest.raises(ManifestError, match=r"line 2: .* the row was edited by hand"):
            list(document(HEADER.line() + edited(a_row(), **change)).rows())

    def test_a_plan_row_without_an_id_is_fine(self) -> None:
        """So that a plan can be written by hand."""
        row = json.loads(plan_line(a_job()))
        del row["id"]
        assert list(document(f"{PLAN.line()}{json.dumps(row)}\n").jobs()) == [a_job()]

    @pytest.mark.parametrize("file", ["../x.jpg", "/etc/passwd", "C:/x", "a/../../b", "", ".", "..\\x", None, 3])
    @pytest.mark.parametrize("status", ["made", "failed"])
    def test_a_file_outside_the_root(self, file: Any, status: str) -> None:
        with pytest.raises(ManifestError, match="line 2: "):
            list(document(HEADER.line() + edited(a_row(), file=file, status=status)).rows())

    def test_made_without_a_file(self) -> None:
        with pytest.raises(ManifestError, match="leaves its root"):
            list(document(HEADER.line() + a_row(file="").line()).rows())
