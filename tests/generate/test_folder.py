"""An output folder: what a run leaves in it, and who made what in which order is all the same."""

from __future__ import annotations

import errno
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli import manifest
from genie_cli.config import Format
from genie_cli.generate.folder import Output
from genie_cli.generate.paths import file_of
from genie_cli.jobs import Job, shard
from genie_cli.manifest import Row, Status
from tests.generate.outputs import HEADER, PLAN, a_job, documents, files, image_of, known, refuse, rows, run, save


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
        names = {row.file for row in made} | {"README.md", "manifest.jsonl", "train/metadata.jsonl"}
        assert {name for name in files(out.root) if not name.startswith(".genie/")} == names
        assert not {name for name in files(out.root) if "journal" in name or "aside" in name}
        with out.manifest.open(encoding="utf-8") as stream:
            header = manifest.read(stream, "manifest").header
        assert header == HEADER.model_copy(update={"rows": len(PLAN)})

    def test_a_run_that_makes_nothing_writes_nothing(self, tmp_path: Path) -> None:
        out = Output(tmp_path / "out", HEADER)
        run(out, PLAN)
        described = [out.root / name for name in ("manifest.jsonl", "train/metadata.jsonl", "README.md")]
        before = {path: (path.stat().st_ino, path.read_bytes()) for path in described}
        run(out, [])
        assert {path: (path.stat().st_ino, path.read_bytes()) for path in described} == before
        for lost in described[1:]:
            lost.unlink()
            run(out, [])
            assert {path: path.read_bytes() for path in described} == {path: said for path, (_, said) in before.items()}

    def test_metadata_names_files_as_datasets_looks_for_them(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        job = a_job("a/b")
        with out.opened():
            out.save(job, b"1", Format.PNG, 1)
            out.save(a_job("test", source=None), b"2", Format.PNG, 1)
            out.finish([job])
        second, first = map(json.loads, (tmp_path / "train/metadata.jsonl").read_text().splitlines())
        assert first == {
            "file_name": f"a%2Fb/{job.id}.png",
            "label": "a/b",
            "source_label": "cat",
            "r": 0.8,
            "id": job.id,
        }
        assert (tmp_path / "train" / second["file_name"]).read_bytes() == b"2"
        assert second["source_label"] == ""

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

    def test_what_is_no_longer_in_the_plan_is_kept_before_it_as_it_was(self, tmp_path: Path) -> None:
        out = Output(tmp_path, HEADER)
        run(out, PLAN)
        shorter = PLAN[5:]
        left = run(out, [], shorter)
        assert [row.job for row in left] == [*PLAN[:5], *shorter]
        assert len((tmp_path / "train/metadata.jsonl").read_text().splitlines()) == sum(bool(row.file) for row in left)


def test_an_own_image_with_other_bytes_is_adopted(tmp_path: Path) -> None:
    """Killed between the image and its journal line; then made again on a device whose sums vary."""
    import numpy as np

    from genie_cli import provenance

    def image(value: int, **changes: Any) -> bytes:
        settings = {**out.header.settings.stated(), "slots": 4, **changes}
        return provenance.encode(np.full((8, 8, 3), value, np.uint8), Format.PNG, PLAN[0], settings)

    out = Output(tmp_path, HEADER)
    with out.opened():
        out.begin()
    file = tmp_path / file_of(PLAN[0], Format.PNG)
    file.parent.mkdir(parents=True)
    refused = [
        image(1, steps=20),
        *(image(1, slots=slots) for slots in (None, "x", "4", 0, -1, True, 1e30)),
        image(1)[:-30],
        b"a photo",
    ]
    for there, status in ((image(1), Status.MADE), *((other, Status.FAILED) for other in refused)):
        file.write_bytes(there)
        with out.opened():
            row = out.save(PLAN[0], image(2), Format.PNG, 8)
        assert row.status is status
        assert file.read_bytes() == there
        if row.status is Status.MADE:
            assert (row.slots, row.sha256) == (4, sha256(there).hexdigest())
