"""Lists of jobs to keep: manifests and plain lists."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from genie_cli.errors import ManifestError, UsageError
from genie_cli.manifest import lines_of
from genie_cli.oracle.keep import read_ids
from tests.damage import damaged, only_our_errors
from tests.manifests import HEADER, PLAN, a_job
from tests.oracle.judgements import a_judged

ROWS = [a_judged(number) for number in range(3)]
IDS = [row.job.id for row in ROWS]
LIST = "\r\n".join(["", *IDS, ""])
MANIFEST = "".join(lines_of(HEADER, [row.line() for row in ROWS], len(ROWS)))


@pytest.mark.parametrize(
    "content", [LIST, f"\ufeff{LIST}", f"  {IDS[0]} \n{IDS[1]}\n{IDS[2]}", MANIFEST, f"\n{MANIFEST}"]
)
def test_a_list_and_a_manifest_say_the_same(tmp_path: Path, content: str) -> None:
    (tmp_path / "kept").write_text(content, newline="")
    assert read_ids(tmp_path / "kept") == set(IDS)


def test_a_run_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(MANIFEST)
    assert read_ids(tmp_path) == set(IDS)


def test_rows_that_are_not_in_use_there_are_not_kept(tmp_path: Path) -> None:
    rejected = a_judged(1, accepted=False)
    left_out = replace(ROWS[2], extra={"select": {"selected": False}})
    rows = [row.line() for row in (ROWS[0], rejected, left_out)]
    (tmp_path / "kept.jsonl").write_text("".join(lines_of(HEADER, rows, 3)))
    assert read_ids(tmp_path / "kept.jsonl") == {IDS[0]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "names no job"),
        (b"\n \n", "names no job"),
        (HEADER.line(0).encode(), "names no job"),
        (f"{IDS[0]}\nlynx\n".encode(), "line 2: 'lynx' is not a job id"),
        (IDS[0].upper().encode(), "line 1: .* is not a job id"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_list(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "kept").write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_ids(tmp_path / "kept")


def test_a_manifest_with_a_bad_line_and_what_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "cut.jsonl").write_text(MANIFEST[:-30])
    with pytest.raises(ManifestError, match=r"cut\.jsonl, line 4: its last line is incomplete"):
        read_ids(tmp_path / "cut.jsonl")
    (tmp_path / "plan.jsonl").write_text(PLAN.line() + f'{{"id": "{a_job().id}"}}\n')
    with pytest.raises(ManifestError, match=r"is a genie\.plan, expected a genie\.manifest"):
        read_ids(tmp_path / "plan.jsonl")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="cannot be read: it is a named pipe"):
        read_ids(tmp_path / "pipe")
    with pytest.raises(UsageError, match="nowhere cannot be read: No such file"):
        read_ids(tmp_path / "nowhere")
    with pytest.raises(ManifestError, match=r"has no manifest\.jsonl"):
        read_ids(tmp_path)


@given(data=damaged(LIST.encode()) | damaged(MANIFEST.encode()))
def test_a_damaged_list(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged-list"
    path.write_bytes(data)
    only_our_errors(lambda: read_ids(path))
