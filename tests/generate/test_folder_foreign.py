"""An output folder of other settings, or with files of somebody else: nothing foreign is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.errors import ManifestError, OutputError
from genie_cli.generate.binding import begun
from genie_cli.generate.folder import Output
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Method
from genie_cli.manifest import Row, Status
from tests.generate.outputs import HEADER, PLAN, SETTINGS, files, killed, rows, run, save, with_settings

FOREIGN_PLAN = Header(kind="genie.plan", settings=RunSettings.model_validate(SETTINGS)).line().encode()


class TestNotThisRuns:
    def test_other_settings_are_listed(self, tmp_path: Path) -> None:
        run(Output(tmp_path, HEADER), PLAN)
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
        other = Header(
            kind="genie.manifest",
            settings=RunSettings.model_validate({"steps": 20, "plans": SETTINGS["plans"], "new": None, "slots": 8}),
            versions={},
        )
        with (
            pytest.raises(OutputError, match="was made with other settings") as caught,
            Output(tmp_path, other).opened(),
        ):
            pass
        lines = ["guidance: 7.5 -> null", "slots: null -> 8", "steps: 50 -> 20", 'torch: "2.7" -> null']
        assert [line.strip() for line in str(caught.value).splitlines()[1:]] == lines
        going_on = "to go on there: the same command with --steps=50 --guidance=7.5"
        assert caught.value.hints == (going_on, "otherwise give this run another --out")
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
        with pytest.raises(OutputError, match=r"metadata\.jsonl is there, but no manifest\.jsonl") as caught:
            run(Output(tmp_path, HEADER), PLAN)
        assert "--out" in caught.value.hint
        assert path.read_text() == "mine\n"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"mine\n",
            b"{}\n",
            b"\xff\xfe",
            FOREIGN_PLAN,
        ],
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

    def test_a_manifest_that_was_cut_is_not_continued(self, tmp_path: Path) -> None:
        """Rows of jobs that are not in today's plan would be lost with it."""
        run(Output(tmp_path, HEADER), PLAN)
        whole = (tmp_path / "manifest.jsonl").read_bytes()
        for end in (whole.index(b"\n") // 2, whole.index(b"\n") + 1, len(whole) // 2, len(whole) - 1):
            (tmp_path / "manifest.jsonl").write_bytes(whole[:end])
            with pytest.raises(ManifestError, match="cut off") as caught:
                run(Output(tmp_path, HEADER), [])
            assert f"genie status {tmp_path} --rebuild" in caught.value.hint
            assert (tmp_path / "manifest.jsonl").read_bytes() == whole[:end]
