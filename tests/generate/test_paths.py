"""A class's folder: any name becomes one that a path, an image folder's reader and `datasets` take as it is."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genie_cli.config import Format
from genie_cli.errors import OutputError
from genie_cli.generate import paths as layout
from genie_cli.generate.paths import file_of, folder_of
from genie_cli.jobs import Job, Method, Source


def a_job(target: str = "fox", **changes: Any) -> Job:
    source = Source(path="cat/1.png", sha256=sha256(b"a cat").hexdigest(), label="cat")
    given_fields = {"source": source, "target": target, "prompt": f"A photo of a {target}", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc", **changes})


class TestFolderOf:
    @settings(max_examples=500)
    @given(
        st.text(min_size=1, max_size=60)
        | st.lists(
            st.sampled_from(["eval", "val", "test", "Dev", "train", "_", ".", "%", ">", "\r", "5", " ", "/", "x", "ſ"]),
            min_size=1,
        ).map("".join)
    )
    @example(".val")
    @example("a>val")
    @example("\rev")
    @example("__eval__")
    def test_any_class_has_one_and_is_got_back(self, label: str) -> None:
        try:
            name = folder_of(label)
        except OutputError:
            assert len(label.encode()) > 85  # one byte becomes three at most
            return
        assert unquote(name) == label
        assert not set(name) & set('/\\:*?"<>|\0\n')
        assert not name.startswith((".", "__"))
        assert not name.endswith((".", " "))
        assert len(name.encode()) <= 255

    @pytest.mark.parametrize(
        ("label", "name"),
        [
            ("fox", "fox"),
            ("testament", "testament"),
            ("retrieval", "retrieval"),
            ("evaluate", "evaluate"),
            ("🦊", "🦊"),
            ("Köter, brauner", "Köter, brauner"),
            ("n02119789", "n02119789"),
            ("a.b", "a.b"),
            ("test", "tes%74"),
            ("my test", "my tes%74"),
            ("my-eval.2", "my-eva%6C.2"),
            ("val", "va%6C"),
            ("valid", "vali%64"),
            ("Dev-2", "De%76-2"),
            ("test/val", "tes%74%2Fva%6C"),
            ("100%", "100%25"),
            ("tes%74", "tes%2574"),
            ("a/b", "a%2Fb"),
            ("a\\b", "a%5Cb"),
            ("C:", "C%3A"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("../x", "%2E%2E%2Fx"),
            (".hidden", "%2Ehidden"),
            ("__pycache__", "%5F_pycache__"),
            ("_x", "_x"),
            ("con trail.", "con trail%2E"),
            ("fox ", "fox%20"),
            ("a\nb", "a%0Ab"),
        ],
    )
    def test_examples(self, label: str, name: str) -> None:
        assert folder_of(label) == name
        assert unquote(name) == label

    @given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
    def test_different_classes_have_different_ones(self, one: str, other: str) -> None:
        assert (folder_of(one) == folder_of(other)) == (one == other)

    @pytest.mark.parametrize("label", ["x" * 255, "🦊" * 63, "/" * 85])
    def test_the_longest(self, label: str, tmp_path: Path) -> None:
        (tmp_path / folder_of(label)).mkdir()

    @pytest.mark.parametrize("label", ["x" * 256, "🦊" * 64, "/" * 86])
    def test_too_long(self, label: str) -> None:
        with pytest.raises(OutputError, match="is too long for a folder"):
            folder_of(label)

    def test_datasets_sees_one_split_and_every_file(self, tmp_path: Path) -> None:
        """Whatever a class is called, the library's own patterns find its images, and find them in `train`."""
        from datasets.data_files import SPLIT_KEYWORDS, DataFilesList, get_data_patterns

        words = [word for words in SPLIT_KEYWORDS.values() for word in words]
        around = ("{}", "my {}", "{}-2", "a_{}_b", "a.{}.b", "1{}1", "{0}/{0}", ".{}", "a>{}", "__{}", "\r{}", "%{}")
        labels = [form.format(word) for form in around for word in words] + ["..", ".hidden", "__x__", "data", "fox"]
        for number, label in enumerate(labels):
            for form in (label, label.title(), label.upper()):
                path = tmp_path / "train" / folder_of(form) / f"{number:020x}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        patterns = get_data_patterns(str(tmp_path))
        assert list(patterns) == ["train"]
        found = DataFilesList.from_patterns(patterns["train"], str(tmp_path))
        assert {Path(path) for path in found} == {path for path in tmp_path.rglob("*") if path.is_file()}


def test_file_of() -> None:
    assert file_of(a_job("a/b"), Format.JPG) == f"train/a%2Fb/{a_job('a/b').id}.jpg"
    assert file_of(a_job(), Format.WEBP).endswith(".webp")


def test_the_patterns_that_name_splits_are_those_of_datasets() -> None:
    from datasets.data_files import SPLIT_KEYWORDS

    assert {word for words in SPLIT_KEYWORDS.values() for word in words} == set(layout._SPLIT_WORDS.split("|"))
