"""Lists of episodes survive a file, and what is not one, not whole or of other data is refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genie_cli.data.dataset import Dataset
from genie_cli.errors import UsageError
from genie_cli.fewshot import episodes
from genie_cli.fewshot.episodes import EpisodeList, EpisodeSpec, draw, draw_lists, read_lists, require_list
from tests.damage import damaged, only_our_errors
from tests.fewshot.test_episodes import a_pool, contents, source

LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


class TestFile:
    DESIGN = EpisodeSpec(ways=2, shots=2, queries=3)

    def text(self, count: int = 3) -> str:
        return episodes.write(draw(a_pool(), self.DESIGN, count), self.DESIGN, "cats")[0]

    @settings(max_examples=30)
    @given(st.lists(LABELS, min_size=2, max_size=4, unique=True), st.integers(0, 4))
    def test_what_was_written_is_read(
        self, tmp_path_factory: pytest.TempPathFactory, labels: list[str], count: int
    ) -> None:
        pool = a_pool(labels)
        drawn = draw(pool, self.DESIGN, count)
        text, digest = episodes.write(drawn, self.DESIGN, "cats & dogs")
        path = tmp_path_factory.mktemp("list") / "episodes.jsonl"
        path.write_bytes(text.encode())
        spec, read = episodes.read(path, pool)
        assert (spec, read) == (self.DESIGN, drawn)
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert episodes.write(read, spec, "cats & dogs") == (text, digest)

    def test_images_are_found_by_content(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        moved = tuple(source(label, n, f"{n}/{label}") for label in ("cat", "dog", "fox", "owl") for n in range(9))
        _, found = episodes.read(tmp_path / "list.jsonl", Dataset(Path("elsewhere"), moved, moved))
        assert contents(found) == contents(draw(a_pool(), self.DESIGN, 3))
        assert all(s.path == f"{s.path[0]}/{s.label}" for e in found for part in e.support for s in part)

    def test_another_data_set_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        with pytest.raises(
            UsageError, match=r"of the \d+ images that .*list\.jsonl names .* are not in photos"
        ) as lost:
            episodes.read(tmp_path / "list.jsonl", a_pool(("cat", "dog", "fox")))
        assert "'cats'" in lost.value.hint

    def test_the_same_images_under_another_label_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        renamed = tuple(s.model_copy(update={"label": s.label.upper()}) for s in a_pool().train)
        with pytest.raises(UsageError, match="does not have the images that its header and classes say"):
            episodes.read(tmp_path / "list.jsonl", Dataset(Path("photos"), renamed, renamed))

    def test_a_file_that_is_cut_anywhere_is_refused(self, tmp_path: Path) -> None:
        whole, path, pool = self.text().encode(), tmp_path / "list.jsonl", a_pool()
        for end in range(len(whole)):
            path.write_bytes(whole[:end])
            with pytest.raises(UsageError, match="is not a whole list of episodes"):
                episodes.read(path, pool)

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_what_was_changed_is_another_list_or_none(self, tmp_path: Path, choose: st.DataObject) -> None:
        path = tmp_path / "list.jsonl"
        path.write_bytes(choose.draw(damaged(self.text().encode())))
        only_our_errors(lambda: episodes.read(path, a_pool()))
        only_our_errors(lambda: require_list(path))

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("schema", "1"),
            ("schema", True),
            ("schema", 1.0),
            ("schema", 0),
            ("schema", None),
            ("ways", 10**11),
            ("ways", "2"),
            ("ways", 2.0),
            ("ways", 1),
            ("shots", True),
            ("shots", -1),
            ("queries", 3.5),
            ("queries", -1),
            ("seed", None),
            ("episodes", 10**22),
            ("episodes", "3"),
            ("images", ["x" * 64]),
            ("images", "mine"),
            ("dataset", 7),
            ("more", 1),
        ],
    )
    def test_a_header_out_of_its_ranges_is_refused(self, tmp_path: Path, key: str, value: object) -> None:
        head, *rows = self.text().splitlines()
        (tmp_path / "list.jsonl").write_text("\n".join([json.dumps({**json.loads(head), key: value}), *rows, ""]))
        for read in (
            lambda: episodes.read(tmp_path / "list.jsonl", a_pool()),
            lambda: require_list(tmp_path / "list.jsonl"),
        ):
            with pytest.raises(UsageError, match=f"list of episodes: {key}|schema .* this one reads 1"):
                read()

    @pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_what_is_no_json_number_is_refused(self, tmp_path: Path, constant: str) -> None:
        (tmp_path / "list.jsonl").write_text(self.text().replace('"seed": 0', f'"seed": {constant}'))
        with pytest.raises(UsageError, match="is not a whole list of episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    def test_an_image_that_is_in_an_episode_twice_is_refused(self, tmp_path: Path) -> None:
        head, first, *rest = self.text().splitlines()
        row = json.loads(first)
        for part in "support", "query":
            twice = json.loads(first)
            twice[part][0][0] = row["support"][0][1]
            (tmp_path / "list.jsonl").write_text("\n".join([head, json.dumps(twice), *rest, ""]))
            with pytest.raises(UsageError, match="line 2: episode 0 has an image twice"):
                episodes.read(tmp_path / "list.jsonl", a_pool())

    def test_an_episode_that_is_there_twice_is_refused(self, tmp_path: Path) -> None:
        head, first, second, _ = self.text().splitlines()
        (tmp_path / "list.jsonl").write_text("\n".join([head, first, second, first, ""]))
        with pytest.raises(UsageError, match="two episodes of one number"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("a\0b", "no file can have this name"),
            ("x" * 300, "File name too long"),
            ("~nosuchuser/list", "No such file or directory"),
            ("/dev/zero", "it is a device, not a regular file"),
            ("pipe", "it is a named pipe, not a regular file"),
            ("file/list", "Not a directory"),
        ],
    )
    def test_the_cause_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str) -> None:
        monkeypatch.chdir(tmp_path)
        os.mkfifo("pipe")
        Path("file").write_text("")
        for read in (lambda: episodes.read(Path(path), a_pool()), lambda: require_list(Path(path))):
            with pytest.raises(UsageError, match=f"cannot be read: {reason}"):
                read()

    def test_a_file_that_is_too_large_is_not_read(self, tmp_path: Path) -> None:
        with (tmp_path / "list.jsonl").open("wb") as file:
            file.truncate(1 << 40)
        with pytest.raises(UsageError, match="it has more than"):
            episodes.read(tmp_path / "list.jsonl", a_pool())
        with pytest.raises(UsageError, match="is not a list of episodes"):
            require_list(tmp_path / "list.jsonl")

    @pytest.mark.parametrize("count", [1, 2])
    def test_lines_that_are_lost_are_missed(self, tmp_path: Path, count: int) -> None:
        (tmp_path / "list.jsonl").write_text("".join(self.text().splitlines(keepends=True)[: 1 + count]))
        with pytest.raises(UsageError, match=f"is not a whole list of episodes: {count} of 3 episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("support", [[0, 1]]),
            ("support", [[-1, -2], [-3, -4]]),
            ("support", [[0], [1]]),
            ("query", [[0, 1, 2], [3, 4, 999]]),
            ("query", 3),
            ("query", [[True, 1, 2], [3, 4, 5]]),
            ("query", [[0.0, 1, 2], [3, 4, 5]]),
            ("classes", ["cat", "cat"]),
            ("episode", -1),
            ("episode", 10**30),
            ("episode", "0"),
            ("more", 1),
            ("classes", ["cat"]),
            ("classes", None),
        ],
    )
    def test_a_line_edited_by_hand_is_refused(self, tmp_path: Path, key: str, value: object) -> None:
        head, first, *rest = self.text().splitlines()
        (tmp_path / "list.jsonl").write_text(
            "\n".join([head, json.dumps({**json.loads(first), key: value}), *rest, ""])
        )
        with pytest.raises(UsageError, match="is not a whole list of episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n", b"3\n", b"[]", b"{}", b'{"kind": "genie.plan", "schema": 1}', b"\xff\xd8\xff", b"[" * 100_000],
    )
    def test_another_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "list.jsonl").write_bytes(content)
        with pytest.raises(UsageError, match=r"is not a (whole )?list of episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())
        with pytest.raises(UsageError, match="is not a list of episodes"):
            require_list(tmp_path / "list.jsonl")

    def test_a_newer_list_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text().replace('"schema": 1', '"schema": 2'))
        with pytest.raises(UsageError, match="schema 2, this one reads 1"):
            episodes.read(tmp_path / "list.jsonl", a_pool())
        with pytest.raises(UsageError, match="schema 2, this one reads 1"):
            require_list(tmp_path / "list.jsonl")

    @pytest.mark.parametrize("name", [".", "missing.jsonl"])
    def test_no_file_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match="cannot be read: "):
            episodes.read(tmp_path / name, a_pool())
        with pytest.raises(UsageError, match="cannot be read: "):
            require_list(tmp_path / name)


class TestLists:
    SPECS = (EpisodeSpec(ways=2, shots=1, queries=3), EpisodeSpec(ways=2, shots=2, queries=3))

    def written(self, tmp_path: Path, drawn: Sequence[EpisodeList]) -> list[Path]:
        for number, each in enumerate(drawn):
            (tmp_path / f"{number}.jsonl").write_text(each.text)
            require_list(tmp_path / f"{number}.jsonl")
        return [tmp_path / f"{number}.jsonl" for number in range(len(drawn))]

    def test_lists_are_drawn_written_and_read(self, tmp_path: Path) -> None:
        drawn = draw_lists(a_pool(), "cats", self.SPECS, 4)
        assert [each.file_name for each in drawn] == ["episodes-2-way-1-shot.jsonl", "episodes-2-way-2-shot.jsonl"]
        for each, spec in zip(drawn, self.SPECS, strict=True):
            assert each == EpisodeList.of(spec, draw(a_pool(), spec, 4), "cats")
            assert each.sha256 == hashlib.sha256(each.text.encode()).hexdigest()
        paths = self.written(tmp_path, drawn)
        assert read_lists(paths, a_pool(), "cats") == drawn
        assert read_lists([*paths, paths[0]], a_pool(), "cats") == drawn

    @pytest.mark.parametrize(
        ("spec", "count", "reason"),
        [
            (EpisodeSpec(ways=2, shots=1, queries=3, seed=1), 4, "are both 2-way 1-shot"),
            (EpisodeSpec(ways=3, shots=2, queries=3), 4, "into one table"),
            (EpisodeSpec(ways=2, shots=2, queries=4), 4, "into one table"),
            (EpisodeSpec(ways=2, shots=2, queries=3), 5, "into one table"),
        ],
    )
    def test_lists_that_would_not_fit_into_one_table(
        self, tmp_path: Path, spec: EpisodeSpec, count: int, reason: str
    ) -> None:
        (one,), (other,) = (
            draw_lists(a_pool(), "cats", [each], number) for each, number in ((self.SPECS[0], 4), (spec, count))
        )
        with pytest.raises(UsageError, match=reason):
            read_lists(self.written(tmp_path, [one, other]), a_pool(), "cats")
