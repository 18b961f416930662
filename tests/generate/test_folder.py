"""An output folder: nothing foreign is touched, nothing is lost, and who made what in which order is all the same."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli import manifest
from genie_cli.config import Format
from genie_cli.errors import ManifestError, OutputError
from genie_cli.generate.folder import Output, begun
from genie_cli.generate.paths import file_of
from genie_cli.header import Header
from genie_cli.jobs import Job, Method, Source, shard
from genie_cli.manifest import Row, Status
from genie_cli.recipe import Recipe

SETTINGS = {"steps": 50, "guidance": 7.5, "plan": {"targets": ["fox"]}}
HEADER = Header(kind="genie.manifest", settings=SETTINGS, versions={"torch": "2.7"})
RECIPE = Recipe(targets=("fox 🦊", "a/b", "test"), method=Method.TXT2IMG, r=(1.0,), per_target=4, model="sd15@abc")
PLAN = tuple(RECIPE.jobs([]))


def a_job(target: str = "fox", **changes: Any) -> Job:
    source = Source(path="cat/1.png", sha256=sha256(b"a cat").hexdigest(), label="cat")
    given_fields = {"source": source, "target": target, "prompt": f"A photo of a {target}", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc", **changes})


def with_settings(**changes: Any) -> Header:
    return Header(kind="genie.manifest", settings={**SETTINGS, **changes}, versions={"torch": "2.7"})


def image_of(job: Job) -> bytes:
    return f"image of {job.id}".encode()


def save(out: Output, jobs: Iterable[Job]) -> None:
    """Every fourth job fails; which one depends on the job alone."""
    for job in jobs:
        if int(job.id, 16) % 4:
            out.save(job, image_of(job), Format.PNG, 8)
        else:
            out.note(Row(job, Status.FAILED, reason="no luck"))


def run(out: Output, share: Sequence[Job], plan: Sequence[Job] = PLAN) -> list[Row]:
    with out.opened():
        save(out, share)
        out.finish(plan)
    return rows(out)


def known(out: Output) -> set[str]:
    """Ids of the jobs that earlier runs noted."""
    return {row.job.id for row in out.known().in_order([])}


def rows(out: Output) -> list[Row]:
    with out.manifest.open(encoding="utf-8") as stream:
        return list(manifest.read(stream, "manifest", "genie.manifest").rows())


def documents(root: Path) -> tuple[bytes, bytes]:
    return (root / "manifest.jsonl").read_bytes(), (root / "train/metadata.jsonl").read_bytes()


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def killed(out: Output, jobs: Iterable[Job]) -> None:
    """A run that makes ``jobs`` and ends before it could finish."""
    with suppress(KeyboardInterrupt), out.opened():
        save(out, jobs)
        raise KeyboardInterrupt


class TestWhatARunLeaves:
    def test_images_manifest_and_metadata(self, tmp_path: Path) -> None:
        out = Output(tmp_path / "deep/out", HEADER)
        left = run(out, PLAN)
        assert [row.job for row in left] == list(PLAN)
        made = [row for row in left if row.status is Status.MADE]
        assert 0 < len(made) < len(PLAN)
        for row in made:
            assert row.file == file_of(row.job, Format.PNG)
            assert (out.root / row.file).read_bytes() == image_of(row.job)
            assert row.sha256 == sha256(image_of(row.job)).hexdigest()
            assert row.slots == 8
        names = {row.file for row in made} | {"manifest.jsonl", "train/metadata.jsonl"}
        assert {name for name in files(out.root) if not name.startswith(".genie/")} == names
        assert not {name for name in files(out.root) if "journal" in name or "aside" in name}
        with out.manifest.open(encoding="utf-8") as stream:
            assert manifest.read(stream, "manifest").header == HEADER

    def test_metadata_names_files_as_datasets_looks_for_them(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        job = a_job("a/b")
        with out.opened():
            out.save(job, b"1", Format.PNG, 1)
            out.save(a_job("test", source=None), b"2", Format.PNG, 1)
            out.finish([job])
        first, second = map(json.loads, (tmp_path / "train/metadata.jsonl").read_text().splitlines())
        assert first == {
            "file_name": f"a%2Fb/{job.id}.png",
            "label": "a/b",
            "source_label": "cat",
            "r": 0.8,
            "id": job.id,
        }
        assert (tmp_path / "train" / second["file_name"]).read_bytes() == b"2"
        assert second["source_label"] is None

    def test_nothing_made_leaves_no_image_folder(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened():
            out.note(Row(a_job(), Status.FAILED, reason="no luck"))
            out.finish([a_job()])
        assert not (tmp_path / "train").exists()
        assert rows(out) == [Row(a_job(), Status.FAILED, reason="no luck")]

    def test_a_second_run_changes_nothing(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        run(out, PLAN)
        before = documents(tmp_path)
        run(Output(tmp_path, HEADER), [])
        assert documents(tmp_path) == before


class TestSave:
    def test_the_same_bytes_again_are_fine(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened():
            row = out.save(a_job(), b"image", Format.PNG, 8)
            assert out.save(a_job(), b"image", Format.PNG, 8) == row
            out.finish([a_job()])
        assert rows(out) == [row]
        assert row.status is Status.MADE

    @pytest.mark.parametrize("links", [True, False])
    def test_another_file_in_the_way_is_left_as_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
    ) -> None:
        if not links:
            monkeypatch.setattr(os, "link", refuse(errno.EPERM))
        path = tmp_path / file_of(a_job(), Format.PNG)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"somebody's")
        out = Output(tmp_path, HEADER)
        with out.opened():
            row = out.save(a_job(), b"image", Format.PNG, 8)
            out.finish([a_job()])
        assert row.status is Status.FAILED
        assert row.reason == f"another file is in the way: {file_of(a_job(), Format.PNG)}"
        assert path.read_bytes() == b"somebody's"
        assert rows(out) == [row]

    @pytest.mark.parametrize("error", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
    def test_without_hard_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
        run(Output(tmp_path / "with", HEADER), PLAN)
        monkeypatch.setattr(os, "link", refuse(error))
        run(Output(tmp_path / "without", HEADER), PLAN)
        assert files(tmp_path / "with") == files(tmp_path / "without")
        assert documents(tmp_path / "with") == documents(tmp_path / "without")

    def test_an_image_that_was_deleted_counts_as_not_made(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened():
            row = out.save(a_job(), b"image", Format.PNG, 8)
            out.save(a_job("owl"), b"image", Format.PNG, 8)
            out.finish([a_job(), a_job("owl")])
        (tmp_path / row.file).unlink()
        with out.opened():
            assert known(out) == {a_job("owl").id}
            out.note(Row(a_job(), Status.FAILED, reason="no luck"))
            out.finish([a_job(), a_job("owl")])
        assert [row.status for row in rows(out)] == [Status.FAILED, Status.MADE]
        assert a_job().id not in (tmp_path / "train/metadata.jsonl").read_text()


class TestOrder:
    @settings(max_examples=25, deadline=None)
    @given(order=st.permutations(PLAN))
    def test_of_saves_does_not_matter(self, order: list[Job], tmp_path_factory: pytest.TempPathFactory) -> None:
        whole, mixed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("mixed")
        run(Output(whole, HEADER), PLAN)
        left = run(Output(mixed, HEADER), order)
        assert [row.job for row in left] == list(PLAN)
        assert documents(mixed) == documents(whole)

    @pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
    def test_shards_end_in_the_same_bytes_as_one_run(self, tmp_path: Path, order: tuple[int, ...]) -> None:
        run(Output(tmp_path / "whole", HEADER), PLAN)
        for index in order:
            run(Output(tmp_path / "parts", HEADER, f"-{index}-of-3"), list(shard(PLAN, index, 3)))
        assert documents(tmp_path / "parts") == documents(tmp_path / "whole")

    def test_shards_at_the_same_time_end_in_the_same_bytes(self, tmp_path: Path) -> None:
        run(Output(tmp_path / "whole", HEADER), PLAN)
        one, two = (Output(tmp_path / "parts", HEADER, f"-{index}-of-2") for index in (1, 2))
        with one.opened(), two.opened():
            for job in PLAN:
                save(one if job in shard(PLAN, 1, 2) else two, [job])
            two.finish(PLAN)
            one.finish(PLAN)
        assert documents(tmp_path / "parts") == documents(tmp_path / "whole")
        assert not list((tmp_path / "parts/.genie").glob("journal*"))

    def test_what_is_no_longer_in_the_plan_is_kept_at_the_end(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        run(out, PLAN)
        shorter = PLAN[5:]
        left = run(out, [], shorter)
        assert [row.job for row in left] == [*shorter, *sorted(PLAN[:5], key=lambda job: job.id)]
        assert len((tmp_path / "train/metadata.jsonl").read_text().splitlines()) == sum(bool(row.file) for row in left)


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


class TestInUse:
    def test_by_another_run_of_this_process(self, tmp_path: Path) -> None:
        with Output(tmp_path, HEADER).opened():
            with (
                pytest.raises(OutputError, match=f"is in use by process {os.getpid()} on ") as caught,
                Output(tmp_path, HEADER).opened(),
            ):
                pass
            assert "--out" in caught.value.hint
        with Output(tmp_path, HEADER).opened():  # and now it is free
            pass

    def test_by_another_process_until_it_is_killed(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from genie_cli.header import Header; "
            "from genie_cli.generate.folder import Output\n"
            "output = Output(Path(sys.argv[1]), Header(kind='genie.manifest'))\n"
            "with output.opened(): print('ready', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", program, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            header = Header(kind="genie.manifest")
            with pytest.raises(OutputError, match=f"process {process.pid} on "), Output(tmp_path, header).opened():
                pass
            process.kill()
            process.wait()
            run(Output(tmp_path, header), PLAN)

    def test_shards_do_not_exclude_each_other(self, tmp_path: Path) -> None:
        one, two, again = (Output(tmp_path, HEADER, f"-{index}-of-2") for index in (1, 2, 1))
        with one.opened(), two.opened(), pytest.raises(OutputError, match="is in use"), again.opened():
            pass

    def test_errors_in_the_run_are_not_blamed_on_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConnectionError, match="no network"), Output(tmp_path, HEADER).opened():
            raise ConnectionError("no network")
        with Output(tmp_path, HEADER).opened():
            pass


class TestNotThisRuns:
    def test_other_settings_are_listed(self, tmp_path: Path) -> None:
        run(Output(tmp_path, HEADER), PLAN)
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
        other = Header(
            kind="genie.manifest",
            settings={"steps": 20, "plan": SETTINGS["plan"], "new": None, "slots": 8},
            versions={},
        )
        with (
            pytest.raises(OutputError, match="was made with other settings") as caught,
            Output(tmp_path, other).opened(),
        ):
            pass
        lines = ["guidance: 7.5 -> null", "slots: null -> 8", "steps: 50 -> 20", 'torch: "2.7" -> null']
        assert [line.strip() for line in str(caught.value).splitlines()[1:]] == lines
        assert "--out" in caught.value.hint
        assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before

    def test_other_settings_of_a_killed_run(self, tmp_path: Path) -> None:
        killed(Output(tmp_path, HEADER), PLAN)
        with pytest.raises(OutputError, match="steps: 50 -> 20"), Output(tmp_path, with_settings(steps=20)).opened():
            pass

    def test_other_settings_of_a_shard_at_work(self, tmp_path: Path) -> None:
        one = Output(tmp_path, HEADER, "-1-of-2")
        with one.opened():
            save(one, PLAN)
            two = Output(tmp_path, with_settings(steps=20), "-2-of-2")
            with pytest.raises(OutputError, match="steps: 50 -> 20"), two.opened():
                pass

    def test_of_shards_that_start_together_the_first_to_begin_decides(self, tmp_path: Path) -> None:
        one, two = Output(tmp_path, HEADER, "-1-of-2"), Output(tmp_path, with_settings(steps=20), "-2-of-2")
        with one.opened(), two.opened():
            assert begun(tmp_path).stated() == {}
            one.begin()
            assert begun(tmp_path).stated() == SETTINGS
            row = Row(PLAN[0], Status.FAILED, reason="no luck")
            for attempt in (two.begin, lambda: two.note(row), lambda: two.finish(PLAN)):
                with pytest.raises(OutputError, match="steps: 50 -> 20"):
                    attempt()
            save(one, PLAN[:2])
        run(Output(tmp_path, HEADER, "-2-of-2"), PLAN[2:])
        run(Output(tmp_path, HEADER, "-1-of-2"), [])
        assert len(rows(one)) == len(PLAN)

    def test_settings_that_look_different_in_json_are_the_same(self, tmp_path: Path) -> None:
        header = with_settings(r=[0.5, 1.0], method="genie", none=None)
        run(Output(tmp_path, header), PLAN)
        with Output(tmp_path, with_settings(r=(0.5, 1), method=Method.GENIE)).opened():
            pass

    def test_another_source_root_is_no_other_setting(self, tmp_path: Path) -> None:
        run(Output(tmp_path, HEADER), PLAN)
        with Output(tmp_path, HEADER.model_copy(update={"source_root": "/moved"})).opened():
            pass

    def test_metadata_of_somebody_else(self, tmp_path: Path) -> None:
        path = tmp_path / "train/metadata.jsonl"
        path.parent.mkdir()
        path.write_text("mine\n")
        with pytest.raises(OutputError, match=r"metadata\.jsonl is there already and is not genie's") as caught:
            run(Output(tmp_path, HEADER), PLAN)
        assert "--out" in caught.value.hint
        assert path.read_text() == "mine\n"

    @pytest.mark.parametrize(
        "content", [b"", b"mine\n", b"{}\n", b"\xff\xfe", Header(kind="genie.plan", settings=SETTINGS).line().encode()]
    )
    def test_a_manifest_of_somebody_else(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "manifest.jsonl"
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=r"manifest\.jsonl"):
            run(Output(tmp_path, HEADER), PLAN)
        assert path.read_bytes() == content

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "train/fox").mkdir(parents=True)
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / "train/fox/real.png").write_bytes(b"a real fox")
        run(Output(tmp_path, HEADER), PLAN)
        assert (tmp_path / "notes.txt").read_text() == "mine"
        assert (tmp_path / "train/fox/real.png").read_bytes() == b"a real fox"


def refuse(number: int) -> Any:
    def refuses(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuses


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

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk_under_the_journal(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened():
            (tmp_path / ".genie/journal.jsonl").symlink_to("/dev/full")
            with pytest.raises(OutputError) as caught:
                out.note(Row(a_job(), Status.FAILED, reason="no luck"))
            assert "free some space" in caught.value.hint

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
                with pytest.raises(OutputError):
                    out.note(Row(PLAN[2], Status.FAILED, reason="no luck"))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert journal.read_bytes() == whole
            save(out, PLAN[2:])
            out.finish(PLAN)
        assert len(rows(out)) == len(PLAN)

    def test_a_class_name_that_is_too_long(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        with out.opened(), pytest.raises(OutputError, match="is too long for a folder"):
            out.save(a_job("x" * 300), b"image", Format.PNG, 8)


def test_an_own_image_with_other_bytes_is_adopted(tmp_path: Path) -> None:
    """Killed between the image and its journal line; then made again on a device whose sums vary."""
    import numpy as np

    from genie_cli import provenance

    def image(value: int, **changes: Any) -> bytes:
        settings = {**out.header.settings.stated(), "slots": 4, **changes}
        return provenance.encode(np.full((8, 8, 3), value, np.uint8), Format.PNG, PLAN[0], settings)

    out = Output(tmp_path, HEADER)
    file = tmp_path / file_of(PLAN[0], Format.PNG)
    file.parent.mkdir(parents=True)
    for there, status in ((image(1), Status.MADE), (image(1, steps=20), Status.FAILED), (b"a photo", Status.FAILED)):
        file.write_bytes(there)
        with out.opened():
            row = out.save(PLAN[0], image(2), Format.PNG, 8)
        assert row.status is status
        assert file.read_bytes() == there
        if row.status is Status.MADE:
            assert (row.slots, row.sha256) == (4, sha256(there).hexdigest())
