"""Rows found on disk are those that rows held in memory would be, in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli import manifest
from genie_cli.errors import ManifestError
from genie_cli.files.temporary import database
from genie_cli.generate.ledger import Ledger
from genie_cli.header import Header
from genie_cli.jobs import Job, Method
from genie_cli.manifest import Row, Status
from genie_cli.recipe import Recipe

HEADER = Header(kind="genie.manifest")
RECIPE = Recipe(targets=("fuchs 🦊", "owl"), method=Method.TXT2IMG, r=(1.0,), per_target=4, model="sd15@abc")
JOBS = tuple(RECIPE.jobs([]))

rows = st.builds(
    lambda job, status, reason: Row(job, status, "train/x.png" if status is Status.MADE else "", reason=reason),
    st.sampled_from(JOBS),
    st.sampled_from(Status),
    st.text("aä🦊\n\u2028"),
)
plans = st.lists(st.sampled_from(JOBS), unique_by=lambda job: job.id)


@contextmanager
def reading(folder: Path, tables: Sequence[Sequence[Row]]) -> Iterator[tuple[Ledger, list[Path]]]:
    """A ledger of these tables, each in a document of its own, whose last line may lack its line break."""
    paths = [folder / f"{number}.jsonl" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        path.write_text((HEADER.line() + "\n" + "".join(row.line() for row in table)).strip(), encoding="utf-8")
    with database() as index:
        ledger = Ledger(index)
        ledger.read(paths, lambda _: True)
        yield ledger, paths


def held(tables: Sequence[Sequence[Row]], plan: Sequence[Job]) -> list[Row]:
    """What is expected: all rows in memory, and the later row counts unless the earlier was made and it was not."""
    merged: dict[str, Row] = {}
    for row in (row for table in tables for row in table):
        before = merged.get(row.job.id)
        if before is None or row.status is Status.MADE or before.status is not Status.MADE:
            merged[row.job.id] = row
    in_plan = [merged.pop(job.id) for job in plan if job.id in merged]
    return [merged[key] for key in sorted(merged)] + in_plan


@settings(deadline=None)
@given(tables=st.lists(st.lists(rows, max_size=6), max_size=3), plan=plans, other=plans)
def test_rows_come_as_if_they_had_been_held(
    tables: list[list[Row]], plan: list[Job], other: list[Job], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with reading(tmp_path_factory.mktemp("documents"), tables) as (ledger, _):
        assert list(ledger.in_order(plan)) == held(tables, plan)
        assert list(ledger.in_order(other)) == held(tables, other)  # one order leaves no trace in the next
        made = {row.job.id for row in held(tables, []) if row.status is Status.MADE}
        assert {job.id for job in JOBS if ledger.made(job)} == made


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (Status.MADE, Status.FAILED, 0),
        (Status.MADE, Status.SKIPPED, 0),
        (Status.FAILED, Status.MADE, 1),
        (Status.MADE, Status.MADE, 1),
        (Status.FAILED, Status.FAILED, 1),
        (Status.FAILED, Status.SKIPPED, 1),
        (Status.SKIPPED, Status.FAILED, 1),
    ],
)
def test_made_wins_then_the_later(tmp_path: Path, first: Status, second: Status, winner: int) -> None:
    both = [Row(JOBS[0], status, "x.png", reason=str(place)) for place, status in enumerate((first, second))]
    for tables in ([both], [both[:1], both[1:]]):
        with reading(tmp_path, tables) as (ledger, _):
            assert list(ledger.in_order([])) == [both[winner]]


def test_a_document_that_changed_is_read_anew(tmp_path: Path) -> None:
    some = [Row(job, Status.FAILED, reason="no luck") for job in JOBS]
    with reading(tmp_path, [some[:1], some[1:2]]) as (ledger, paths):
        with paths[0].open("a", encoding="utf-8") as file:
            file.write("\n" + some[2].line())
        os.remove(paths[1])
        ledger.read(paths, lambda _: True)
        assert list(ledger.in_order(JOBS)) == [some[0], some[2]]


def test_rows_that_do_not_count_are_as_if_not_there(tmp_path: Path) -> None:
    some = [Row(JOBS[0], Status.FAILED, reason="no luck"), Row(JOBS[0], Status.MADE, "gone.png")]
    with reading(tmp_path, [some]) as (_, paths), database() as index:
        ledger = Ledger(index)
        ledger.read(paths, lambda row: row.file != "gone.png")
        assert list(ledger.in_order(JOBS)) == some[:1]


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(HEADER.line() + Row(JOBS[0], Status.FAILED).line() + "{}\n")
    with database() as index, pytest.raises(ManifestError, match=r"m\.jsonl, line 3: "):
        Ledger(index).read([path], lambda _: True)


def test_a_line_without_an_end_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(HEADER.line())
    os.truncate(path, 1 << 40)
    with database() as index, pytest.raises(ManifestError, match=r"m\.jsonl: cannot be read: a line has more than"):
        Ledger(index).read([path], lambda _: True)


def test_a_document_that_is_no_journal_has_all_of_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    some = [Row(job, Status.FAILED, reason="no luck") for job in JOBS[:3]]
    path.write_text("".join(manifest.lines_of(HEADER, [row.line() for row in some[:2]], 3)))
    with database() as index, pytest.raises(ManifestError, match="has 2 rows, and its first line says 3"):
        Ledger(index).read([path], lambda _: True, whole={path})
