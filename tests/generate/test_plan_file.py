"""A plan in a file is read again and again, and takes no memory for its length."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.config import Format, Settings
from genie_cli.errors import ManifestError
from genie_cli.generate.estimate import Tally
from genie_cli.generate.folder import Output
from genie_cli.generate.plan_file import opened
from genie_cli.generate.request import PlanRequest, check
from genie_cli.header import Header
from genie_cli.jobs import Job, Method, Plan, Source
from genie_cli.manifest import Row, Status, plan_line
from genie_cli.recipe import Recipe

HEADER = Header(kind="genie.plan", source_root="photos")
MANY = 20_000


def a_job(number: int = 0, path: str = "cat/1.png") -> Job:
    source = Source(path=path, sha256=f"{number:064x}", label="cat")
    return Job(source=source, target="fox", prompt="A photo of a fox", method=Method.GENIE, r=0.8, model="sd15@abc")


def many(count: int) -> Plan:
    return Recipe(targets=("fox",), method=Method.TXT2IMG, r=(1.0,), per_target=count, model="sd15@abc").jobs([])


def write(path: Path, *jobs: Job) -> str:
    path.write_text(HEADER.line() + "".join(map(plan_line, jobs)))
    return str(path)


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, 5), min_size=1))
def test_every_time_the_same_jobs_and_none_twice(numbers: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    jobs = [a_job(number, f"cat/{place}.png") for place, number in enumerate(numbers)]
    first = list({job.id: job for job in reversed(jobs)}.values())
    with opened(write(tmp_path_factory.mktemp("plan") / "jobs.jsonl", *jobs)) as file:
        assert list(file.jobs) == list(file.jobs) == sorted(first, key=jobs.index)


def test_what_is_told_of_it(tmp_path: Path) -> None:
    other = many(1).again()
    with opened(write(tmp_path / "jobs.jsonl", *other)) as file:
        assert (file.models, file.uses_sources, file.header) == ({"sd15@abc"}, False, HEADER)
    with opened(write(tmp_path / "jobs.jsonl", *many(1), a_job())) as file:
        assert file.uses_sources


@pytest.mark.parametrize("change", [lambda path: write(path, a_job(1)), lambda path: os.utime(path, (1, 1))])
def test_a_change_between_two_readings_is_an_error(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = tmp_path / "jobs.jsonl"
    with opened(write(path, a_job(), a_job(2))) as file:
        change(path)
        with pytest.raises(ManifestError, match="has changed meanwhile"):
            list(file.jobs)


@contextmanager
def open_pipe(content: bytes) -> Iterator[str]:
    """A pipe that holds ``content``, by the name that a shell gives it for <(...)."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    yield f"/dev/fd/{reading}"
    os.close(reading)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="needs /dev/fd")
def test_a_pipe_is_read_once_and_its_jobs_again_and_again(tmp_path: Path) -> None:
    some = (a_job(), a_job(2))
    with open_pipe(Path(write(tmp_path / "jobs.jsonl", *some)).read_bytes()) as pipe:
        check(PlanRequest(plan=pipe), Settings(), set())  # does not read it
        with opened(pipe) as file:
            assert list(file.jobs) == list(file.jobs) == list(some)
    with open_pipe(b"mine\n") as pipe, pytest.raises(ManifestError, match=pipe), opened(pipe):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe = str(tmp_path / "pipe")
    with pytest.raises(ManifestError, match="is a named pipe, not a regular file"):
        check(PlanRequest(plan=pipe), Settings(), set())
    with pytest.raises(ManifestError, match="is a named pipe, not a regular file"), opened(pipe):
        pass


def test_a_bad_line_is_named_before_the_first_job(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    path.write_text(HEADER.line() + plan_line(a_job()) * 3 + "{}\n")
    with pytest.raises(ManifestError, match=r"jobs\.jsonl, line 5: "), opened(str(path)):
        pass


def test_no_jobs(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="has no jobs"), opened(write(tmp_path / "jobs.jsonl")):
        pass


def peak(work: Callable[[], object]) -> int:
    """The most memory that Python held at once for ``work``, in bytes."""
    work()  # what is imported or kept on the first time is not counted
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_plan(tmp_path: Path) -> None:
    """Held, a job takes more than a kilobyte; here twenty thousand take less than five hundred held ones would."""
    path = write(tmp_path / "jobs.jsonl", *many(MANY))

    def read() -> None:
        with opened(path) as file:
            tally = Tally.of(file.jobs, lambda _: False, lambda _: 50, lambda _: None)
        assert (tally.images, tally.sources, tally.steps) == (MANY, 0, 50 * MANY)

    assert peak(read) < 500_000


def test_memory_does_not_grow_with_the_manifest(tmp_path: Path) -> None:
    """Nor when a run resumes: rows are found on disk, and put in order there."""
    plan, out = many(MANY // 2), Output(tmp_path, Header(kind="genie.manifest"))
    with out.manifest.open("w") as file:
        file.writelines(chain([out.header.line()], (Row(job, Status.FAILED, reason="no").line() for job in plan)))
    before = out.manifest.read_bytes()

    def go_on() -> None:
        with out.opened():
            assert not any(map(out.known().made, plan))
            out.finish(plan)

    assert peak(go_on) < 500_000
    header, *rows = out.manifest.read_bytes().splitlines()
    assert rows == before.splitlines()[1:]
    assert json.loads(header)["rows"] == len(rows)


def test_a_tally_counts_each_source_and_prompt_once(tmp_path: Path) -> None:
    jobs = chain.from_iterable(repeat([a_job(1), a_job(2)], 3))
    asked: list[str] = []
    assert Tally.of(jobs, lambda _: False, lambda r: int(10 * r), asked.append) == Tally(images=6, sources=2, steps=48)
    assert asked == ["A photo of a fox"]


def test_one_pass_over_a_plan_without_end_can_be_left(tmp_path: Path) -> None:
    """What is not asked for is not made: a plan of a billion jobs begins at once."""
    plan = many(10**9)
    assert next(iter(plan)) == next(iter(plan))
    out = Output(tmp_path, Header(kind="genie.manifest"))
    with out.opened():
        row = out.save(next(iter(plan)), b"image", Format.PNG, 8)
        out.finish(plan)
        assert list(out.known().in_order(plan)) == [row]
