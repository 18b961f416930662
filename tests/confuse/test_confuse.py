"""`genie confuse`: what it refuses, what it says, and what generate makes of a matrix that does not fit."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image

from genie_cli.confuse.confusion import Confusion
from tests.conftest import Genie, tree
from tests.confuse.tables import a_table


class TestOptions:
    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ([], "give one of --src-dir, --from-predictions, --from-logits"),
            (["--src-dir", "x", "--from-predictions", "p"], "not --src-dir and --from-predictions"),
            (["--src-dir", "x", "--true", "t", "--classes", "c"], "--classes, --true: not used with --src-dir"),
            (["--from-predictions", "p", "--folds", "3"], "--folds: not used with --from-predictions"),
            (["--from-logits", "p", "--true", "t", "--device", "cpu"], "--device: not used with --from-logits"),
            (["--from-logits", "p"], "--from-logits needs the images' classes"),
            (["--from-predictions", "missing.csv"], "missing.csv cannot be read: No such file"),
            (["--from-logits", "missing.npy", "--true", "t"], "missing.npy cannot be read: No such file"),
            (["--src-dir", "missing"], "missing does not exist"),
            (["--from-predictions", "p", "--picture", "p.jpg"], "p.jpg is not a name for a PNG"),
            (["--from-predictions", "p", "--picture", "no/p.png"], "there is no folder no"),
            (["--from-predictions", "p", "--out", "x.png"], "x.png cannot be both"),
            (["--from-predictions", "p", "--out", "."], "it is a folder, not a file"),
        ],
    )
    def test_what_is_refused(self, genie: Genie, tmp_path: Path, words: list[str], reason: str) -> None:
        result = genie("confuse", *words)
        assert result.exit_code in (1, 2)
        assert reason in " ".join(result.stderr.split())
        assert tree(tmp_path) == {}

    def test_files_of_somebody_are_left_alone(self, genie: Genie, tmp_path: Path) -> None:
        a_table(tmp_path / "p.csv", [("a", "b")])
        (tmp_path / "mine.json").write_text("{}")
        Image.new("RGB", (2, 2)).save(tmp_path / "mine.png")
        before = tree(tmp_path)
        for words in (["--out", "mine.json", "--picture", "new.png"], ["--out", "mine.png"], ["--picture", "mine.png"]):
            result = genie("confuse", "--from-predictions", "p.csv", *words)
            assert result.exit_code in (1, 2)
            assert "mine." in result.stderr
            assert tree(tmp_path) == before

    def test_its_own_files_are_replaced(self, genie: Genie, tmp_path: Path) -> None:
        a_table(tmp_path / "p.csv", [("a", "b")])
        assert genie("confuse", "--from-predictions", "p.csv").exit_code == 0
        before = tree(tmp_path)
        a_table(tmp_path / "p.csv", [("a", "b"), ("b", "a"), ("b", "c")])
        assert genie("confuse", "--from-predictions", "p.csv").exit_code == 0
        assert tree(tmp_path).keys() == before.keys()
        assert all(tree(tmp_path)[name] != before[name] for name in ("confusion.json", "confusion.png"))

    def test_nothing_is_confused(self, genie: Genie, tmp_path: Path) -> None:
        a_table(tmp_path / "p.csv", [("a", "a"), ("b", "b")])
        result = genie("confuse", "--from-predictions", "p.csv")
        assert result.exit_code == 0
        assert result.stdout == ""
        assert "2 of 2 images (100.0%)" in result.stderr
        assert "never confused, so --confusion finds no sources for them: a, b" in result.stderr
        assert "next:" not in result.stderr

    def test_no_better_than_guessing_is_said(self, genie: Genie, tmp_path: Path) -> None:
        a_table(tmp_path / "p.csv", [("a", "a"), ("a", "b"), ("b", "b"), ("b", "a")])
        assert (
            "no better than always predicting the largest class"
            in genie("confuse", "--from-predictions", "p.csv").stderr
        )


class TestGenerateByAMatrixThatDoesNotFit:
    """The folder has "one", "seven", ...; the matrix what each test says."""

    def run(
        self, genie: Genie, photos: Path, rows: list[tuple[str, str]], targets: str, *words: object
    ) -> tuple[int, str]:
        a_table(photos.parent / "p.csv", rows)
        assert genie("confuse", "--from-predictions", "p.csv").exit_code == 0
        options = ("--confusion", "confusion.json", "--dry-run", *words)
        result = genie("generate", "--src-dir", photos, "--targets", targets, *options)
        self.stdout = result.stdout
        return result.exit_code, " ".join(result.stderr.split())

    def labels(self) -> set[str]:
        return {json.loads(line)["source"]["label"] for line in self.stdout.splitlines()[1:]}

    def test_no_class_in_common(self, genie: Genie, photos: Path, open_model: Path) -> None:
        code, said = self.run(genie, photos, [("cat", "dog")], "cat", "--model", open_model)
        assert code == 2
        assert "have no class in common: the one has cat, dog, the other eight, five" in said
        assert "measure it on these images: genie confuse --src-dir" in said

    def test_none_of_the_hardest_is_there(self, genie: Genie, photos: Path) -> None:
        rows = [("seven", "cat"), ("seven", "cat"), ("seven", "dog"), ("seven", "dog"), ("seven", "one")]
        code, said = self.run(genie, photos, rows, "seven", "--top-k", "2")
        assert code == 2
        assert (
            "no source for target 'seven': it is most often confused with cat (2), dog (2), "
            "and --src-dir has no images of these" in said
        )
        assert "--top-k 3 reaches one" in said
        code, said = self.run(genie, photos, rows, "seven", "--top-k", "3")
        assert code == 0
        assert self.labels() == {"one"}

    def test_none_that_any_top_k_would_reach(self, genie: Genie, photos: Path) -> None:
        code, said = self.run(genie, photos, [("seven", "cat"), ("one", "seven")], "seven")
        assert code == 2
        assert "confused with cat (1), and --src-dir has no images of it" in said
        assert "classes found: eight, five" in said

    def test_some_of_the_hardest_are_there(self, genie: Genie, photos: Path) -> None:
        code, said = self.run(genie, photos, [("seven", "cat"), ("seven", "cat"), ("seven", "one")], "seven")
        assert code == 0
        assert "left out: sources of cat for seven: --src-dir has no such images" in said
        assert self.labels() == {"one"}

    def test_a_target_that_it_does_not_know(self, genie: Genie, photos: Path, open_model: Path) -> None:
        rows = [("seven", "one"), ("one", "seven")]
        code, said = self.run(genie, photos, rows, "yak", "--model", open_model)
        assert code == 2
        assert "the confusion matrix has no class 'yak' it has: one, seven" in said
        code, said = self.run(genie, photos, rows, "yak,seven", "--model", open_model)
        assert code == 0
        assert "left out: the confusion matrix has no class 'yak'" in said
        assert self.labels() == {"one"}


def test_what_a_terminal_shows() -> None:
    """The table holds class names that look like markup."""
    from rich.console import Console

    from genie_cli.cli.confuse import table_of

    screen = StringIO()
    confusion = Confusion(labels=("[red]", "b"), matrix=((1, 3), (0, 4)))
    Console(file=screen, width=80).print(table_of(confusion.pairs()))
    assert "[red]" in screen.getvalue()
    assert "75.0%" in screen.getvalue()


def test_the_next_command_names_a_class_that_can_be_typed(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('true,predicted\nall,b c\n"a,b",b c\n@a,b c\nb c,all\n')
    said = genie("confuse", "--from-predictions", "p.csv").stderr
    assert "next: genie generate --src-dir photos '--targets=b c' --confusion confusion.json" in said


def test_the_next_command_is_for_the_rarest_class(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "true,predicted\n" + "cat,dog\ncat,dog\ncat,cat\n" + "lynx,cat\nlynx,lynx\ndog,dog\n"
    )
    said = genie("confuse", "--from-predictions", "p.csv").stderr
    assert "--targets=lynx" in said  # two images; of dog is one, which is not confused
