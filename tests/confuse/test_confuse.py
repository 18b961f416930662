"""`genie confuse`: from a folder, from predictions, from logits; what it refuses; and what generate makes of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genie_cli.backbones.digits import backbone
from genie_cli.backbones.features import Features
from genie_cli.confuse import picture as matrix
from genie_cli.confuse.confusion import Confusion
from genie_cli.confuse.cross_validation import drop_duplicates, predict, require_folds, see
from genie_cli.confuse.predictions import from_logits, from_predictions
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.errors import FolderError, GenieError, OutputError, UsageError
from genie_cli.jobs import Source
from tests.conftest import Genie, tree

DIGITS = ("--backbone", "digits")


@pytest.fixture(scope="session")
def _training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("confuse") / "photos"
    DigitsInTheWild("train").save(root, per_class=8)
    return root


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def training(_training: Path, _cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, eight digits of each class; features are kept by the tests alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))
    return Path(shutil.copytree(_training, tmp_path / "photos"))


def a_table(path: Path, rows: Sequence[Sequence[str]], header: str = "true,predicted") -> Path:
    path.write_text("\n".join([header, *map(",".join, rows)]) + "\n", encoding="utf-8")
    return path


def message(error: GenieError) -> str:
    return " ".join(f"{error} {error.hint}".split())


class TestPredictions:
    def test_counts(self, tmp_path: Path) -> None:
        rows = [("a", "b"), ("a", "a"), ("b", "c"), ("a", "b")]
        path = a_table(tmp_path / "preds.csv", rows)
        confusion = from_predictions(path)
        assert confusion.labels == ("a", "b", "c")
        assert confusion.matrix == ((1, 2, 0), (0, 0, 1), (0, 0, 0))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert confusion.how == {"predictions": "preds.csv", "sha256": sha256, "images": 4}

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1), st.permutations("abcd"))
    def test_it_is_scikit_learns_matrix(
        self, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], order: list[str]
    ) -> None:
        from sklearn.metrics import confusion_matrix

        folder = tmp_path_factory.mktemp("table")
        (folder / "names.txt").write_text("\n".join(order))
        found = from_predictions(a_table(folder / "p.csv", rows), folder / "names.txt")
        expected = confusion_matrix(*zip(*rows, strict=True), labels=order)
        assert found.labels == tuple(order)
        assert [list(row) for row in found.matrix] == expected.tolist()

    @pytest.mark.parametrize(
        "content",
        [
            "\ufeffTrue,PREDICTED\na,b\nb,b\n",
            "path, Predicted , true,score\nx.png,b,a,0.5\ny.png,b,b,1\n",
            'true,predicted\r\n"a","b"\r\n\r\n b , b \r\n',
        ],
    )
    def test_as_people_and_programs_write_it(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(content.encode())
        confusion = from_predictions(path)
        assert (confusion.labels, confusion.matrix) == (("a", "b"), ((0, 1), (0, 1)))

    def test_names_are_known_however_unicode_spells_them(self, tmp_path: Path) -> None:
        path = a_table(tmp_path / "p.csv", [("caf\u00e9", "b"), ("cafe\u0301", "b")])
        assert from_predictions(path).matrix == ((0, 0), (2, 0))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "line 1: needs the columns true and predicted, once each; it has none"),
            (b"a,b\nc,d\n", "line 1: needs the columns true and predicted, once each; it has a, b"),
            (b"true;predicted\na;b\n", "it has true;predicted the first line names the columns, with commas"),
            (b"true,predicted,True\na,b,c\n", "once each"),
            (b"true,predicted\n", "has a header and no rows"),
            (b"true,predicted\na,b\n\na,\n", "line 4: predicted is blank"),
            (b"true,predicted\n ,b\n", "line 2: true is blank"),
            (b"true,predicted\na\n", "line 2: predicted is blank"),
            (b"true,predicted\na,\xff\n", "is not UTF-8"),
            (b"true,predicted\na,a\n", "there is only one class, a"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(content)
        with pytest.raises(UsageError) as caught:
            from_predictions(path)
        assert reason in message(caught.value)

    def test_classes_that_do_not_fit(self, tmp_path: Path) -> None:
        path = a_table(tmp_path / "p.csv", [("a", "b"), ("c", "d")])
        (tmp_path / "names.txt").write_text("a\nb\nc\n")
        with pytest.raises(UsageError, match=r"has classes that .*names\.txt does not name: d"):
            from_predictions(path, tmp_path / "names.txt")
        (tmp_path / "names.txt").write_text("a\nb\na\n")
        with pytest.raises(UsageError, match="lists a name twice: a"):
            from_predictions(path, tmp_path / "names.txt")


class TestLogits:
    LOGITS = np.array([[2, 1, 0], [0, 1, 1], [-1, -3, -2], [0, 0, 9]], np.float32)

    def saved(self, folder: Path, values: object = LOGITS) -> Path:
        np.save(folder / "logits.npy", values)
        return folder / "logits.npy"

    def test_the_three_forms_of_truth_agree(self, tmp_path: Path) -> None:
        logits, names = self.saved(tmp_path), ["b", "b", "c", "a"]
        (tmp_path / "classes.txt").write_text("b\nc\na\n")
        (tmp_path / "true.txt").write_text("\n".join(names))
        a_table(tmp_path / "true.csv", [(name,) for name in names], "TRUE")
        np.save(tmp_path / "names.npy", np.array(names))
        np.save(tmp_path / "numbers.npy", np.array([0, 0, 1, 2], np.uint8))
        for true in ("true.txt", "true.csv", "names.npy", "numbers.npy"):
            confusion = from_logits(logits, tmp_path / true, tmp_path / "classes.txt")
            assert confusion.labels == ("b", "c", "a")
            assert confusion.matrix == ((1, 1, 0), (1, 0, 0), (0, 0, 1))  # of equal logits the first

    def test_without_names_the_columns_are_the_true_ones_sorted(self, tmp_path: Path) -> None:
        (tmp_path / "true.txt").write_text("c\nb\na\na\n")
        confusion = from_logits(self.saved(tmp_path), tmp_path / "true.txt")
        assert confusion.labels == ("a", "b", "c")
        assert confusion.matrix == ((1, 0, 1), (0, 1, 0), (1, 0, 0))

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            (LOGITS[0], "holds float32 of shape (3,), not floating-point logits"),
            (LOGITS.astype(int), "holds int64 of shape (4, 3), not floating-point logits"),
            (LOGITS[:3], "has 3 rows, "),
            (LOGITS[:, :2], "has 2 columns, and the images in "),
            (np.where(LOGITS == 9, np.nan, LOGITS), "row 3, counted from 0, has a logit that is no number"),
            (np.array([{"a": 1}]), "is not a .npy file of numbers"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, values: object, reason: str) -> None:
        (tmp_path / "true.txt").write_text("c\nb\na\na\n")
        with pytest.raises(UsageError) as caught:
            from_logits(self.saved(tmp_path, values), tmp_path / "true.txt")
        assert reason in message(caught.value)

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"1,2\n3,4\n"])
    def test_no_array(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "logits.npy").write_bytes(content)
        with pytest.raises(UsageError, match=r"is not a \.npy file of numbers"):
            from_logits(tmp_path / "logits.npy", tmp_path / "true.txt")

    def test_several_arrays(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "logits.npz", self.LOGITS)
        with pytest.raises(UsageError, match="is an archive of several arrays"):
            from_logits(tmp_path / "logits.npz", tmp_path / "true.txt")

    def test_truth_that_does_not_fit(self, tmp_path: Path) -> None:
        logits = self.saved(tmp_path)
        (tmp_path / "classes.txt").write_text("a\nb\nc\n")
        np.save(tmp_path / "numbers.npy", np.array([0, 0, 3, 2]))
        with pytest.raises(UsageError, match="row 2 is of class 3, and columns are numbered 0 to 2"):
            from_logits(logits, tmp_path / "numbers.npy", tmp_path / "classes.txt")
        with pytest.raises(UsageError, match="has class numbers, not names"):
            from_logits(logits, tmp_path / "numbers.npy")
        (tmp_path / "true.txt").write_text("a\n\nb\nc\n")
        with pytest.raises(UsageError, match="line 2: is blank"):
            from_logits(logits, tmp_path / "true.txt")


class TestCrossValidation:
    def test_features_that_tell_all(self) -> None:
        labels = [name for name in "abc" for _ in range(6)]
        features = [np.eye(3, dtype=np.float32)["abc".index(label)] for label in labels]
        assert predict(features, labels, folds=3) == labels

    def test_two_classes_that_look_the_same(self) -> None:
        """Features of a and b come from one distribution, those of c do not."""
        rng = np.random.default_rng(0)
        labels = [name for name in "abc" for _ in range(20)]
        features = [rng.normal([9.0 * (label == "c"), 4, 0], 0.5).astype(np.float32) for label in labels]
        predicted = predict(features, labels, folds=5)
        assert set(predicted[40:]) == {"c"}
        taken_for = [(label, other) for label, other in zip(labels, predicted, strict=True) if label != other]
        assert set(taken_for) == {("a", "b"), ("b", "a")}
        assert len(taken_for) > 10

    def test_it_is_scikit_learns(self) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler, normalize

        rng = np.random.default_rng(1)
        labels = np.repeat(["x", "y", "z"], 9)
        features = rng.normal(np.repeat(np.eye(3, 8), 9, axis=0), 0.7).astype(np.float32)
        folds = StratifiedKFold(4, shuffle=True, random_state=0)
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
        expected = cross_val_predict(classifier, normalize(features), labels, cv=folds)
        assert predict(list(features), labels.tolist(), folds=4) == expected.tolist()
        assert set(expected) == {"x", "y", "z"}

    @pytest.mark.parametrize(
        ("labels", "error", "reason"),
        [
            ("aaaa", FolderError, "there is only one class, a"),
            (
                "aaaab",
                FolderError,
                "a class needs at least two images, one of them to classify the other: b (1) add images",
            ),
            ("aaaaabbbcccc", UsageError, "too few images for 5 folds: b (3), c (4)"),
            ("aaaaabbbcccc", UsageError, "--folds 3 works"),
        ],
    )
    def test_too_few(self, labels: str, error: type[GenieError], reason: str) -> None:
        with pytest.raises(error) as caught:
            require_folds(labels, labels, 5)
        assert reason in message(caught.value)

    def test_a_class_without_any_is_named(self) -> None:
        with pytest.raises(FolderError, match=r"z \(0\)"):
            require_folds("az", "aaaaa", 2)

    def test_copies_and_contradictions(self) -> None:
        def source(path: str, content: str) -> Source:
            return Source(path=path, sha256=hashlib.sha256(content.encode()).hexdigest(), label=path[0])

        sources = [source("b/3", "three"), source("a/2", "one"), source("a/1", "one"), source("b/4", "four")]
        sources += [source("a/4", "four")]
        found = drop_duplicates(sources)
        assert {one.path for one in found.sources} == {"a/1", "b/3"}
        assert found.copies == 1
        assert [[one.path for one in group] for group in found.contradictory] == [["a/4", "b/4"]]
        assert found == drop_duplicates(reversed(sources))


class TestFolder:
    def test_a_confusion_file_a_picture_and_the_pairs(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        result = genie("confuse", "--src-dir", training, *DIGITS, "--top-k", "2", "--pairs", "3")
        assert result.exit_code == 0, result.stderr
        confusion = Confusion.read(tmp_path / "confusion.json")
        assert confusion.labels == tuple(sorted(CLASSES))
        assert [sum(row) for row in confusion.matrix] == [8] * 10
        assert confusion.how["folds"] == 5
        assert confusion.how["images"] == 80
        assert confusion.how["backbone"].startswith("digits-encoder@")
        content = json.loads((tmp_path / "confusion.json").read_text())
        assert all(len(others) <= 2 for others in content["most_confused"].values())
        shown = [json.loads(line) for line in result.stdout.splitlines()]
        assert [(row["true"], row["predicted"], row["count"]) for row in shown] == [
            pair[:3] for pair in confusion.pairs()[:3]
        ]
        assert shown[0]["share"] == shown[0]["count"] / 8
        with Image.open(tmp_path / "confusion.png") as picture:
            assert min(picture.size) > 360

    def test_the_next_command_that_it_names_works(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        import shlex

        said = genie("confuse", "--src-dir", training, *DIGITS, "--top-k", "2").stderr
        [line] = [line for line in said.splitlines() if line.startswith("next: genie generate --model digits ")]
        command = shlex.split(line.removeprefix("next: genie "))
        result = genie(*command, "--per-target", "2", "--out", "out")
        assert result.exit_code == 0, result.stderr
        target = command[command.index("--targets") + 1]
        hardest = Confusion.read(tmp_path / "confusion.json").most_confused(target, 2)
        named = ", ".join(f"{name} ({count})" for name, count in hardest)
        assert f"sources for {target}, the classes it is most often confused with: {named}" in result.stderr
        rows = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()[1:]]
        assert {row["source"]["label"] for row in rows} <= {name for name, _ in hardest}

    def test_names_and_order_of_files_mean_nothing(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        genie("confuse", "--src-dir", training, *DIGITS, "--out", "one.json")
        for path in sorted(training.rglob("*.png")):
            digest = hashlib.sha256(path.name.encode()).hexdigest()
            path.rename(path.with_name(f"{digest}.png"))
        shutil.copyfile(next(training.glob("two/*")), training / "two/copy.png")
        result = genie("confuse", "--src-dir", training, *DIGITS, "--out", "two.json")
        assert "left out: 1 copy of other images of the class" in result.stderr
        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()

    def test_a_broken_image_is_left_out_with_words(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (training / name / "broken.png").write_bytes(b"\x89PNG cut off, of " + name.encode())
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert result.exit_code == 0, result.stderr
        assert result.stderr.count("broken.png: is truncated, damaged") == 2
        assert sum(map(sum, Confusion.read(tmp_path / "confusion.json").matrix)) == 80

    def test_an_image_that_changed_meanwhile_is_not_kept_under_its_old_content(self, training: Path) -> None:
        network = backbone("encoder")
        features = Features(network, None)
        sources = scan(training).sources[:2]
        (training / sources[0].path).write_bytes((training / sources[1].path).read_bytes())
        seen, broken = see(training, sources, network.preprocess, features)
        assert list(seen) == [sources[1].sha256]
        assert [error.reason for error in broken] == ["has changed: its content is not what it was"]

    def test_a_class_of_broken_images(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        (training / "yak").mkdir()
        for number in range(5):
            (training / "yak" / f"{number}.png").write_bytes(b"no image %d" % number)
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert result.exit_code == 1
        assert "yak (0)" in result.stderr
        assert not (tmp_path / "confusion.json").exists()

    def test_one_image_in_two_classes(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        image = next(training.glob("one/*"))
        shutil.copyfile(image, training / "seven/also.png")
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert f"left out: one image in several classes: one/{image.name}, seven/also.png" in result.stderr
        confusion = Confusion.read(tmp_path / "confusion.json")
        assert dict(zip(confusion.labels, map(sum, confusion.matrix), strict=True))["one"] == 7

    def test_too_few_images_and_the_folds_that_work(self, genie: Genie, training: Path) -> None:
        for image in sorted(training.glob("four/*"))[3:]:
            image.unlink()
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert result.exit_code == 2
        assert "too few images for 5 folds: four (3)" in result.stderr
        assert "--folds 3 works" in result.stderr
        assert genie("confuse", "--src-dir", training, *DIGITS, "--folds", "3").exit_code == 0


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
            (["--from-logits", "missing.npy", "--true", "t"], "there is no file missing.npy"),
            (["--src-dir", "missing"], "missing does not exist"),
            (["--from-predictions", "p", "--picture", "p.jpg"], "p.jpg is not a name for a PNG"),
            (["--from-predictions", "p", "--picture", "no/p.png"], "there is no folder no"),
            (["--from-predictions", "p", "--out", "x.png"], "x.png cannot be both"),
            (["--from-predictions", "p", "--out", "."], "is not a confusion file"),
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
        self, genie: Genie, photos: Path, rows: list[tuple[str, str]], targets: str, *words: str
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


class TestPicture:
    @pytest.mark.parametrize("size", [2, 10, 31, 95, 600])
    def test_each_mistake_is_seen_beside_the_diagonal(self, size: int) -> None:
        counts = np.eye(size, dtype=int) * 999
        counts[0, size - 1] = 1
        labels = [f"a class with a name, and its number is {number}" for number in range(size)]
        pixels = np.asarray(matrix.draw(Confusion(labels=labels, matrix=counts.tolist())))
        colours = matrix.colors(counts / counts.sum(axis=1, keepdims=True))
        assert (pixels == colours[0, size - 1]).all(axis=-1).any()
        assert np.abs(colours[0, size - 1].astype(int) - colours[1, 1]).max() > 60
        assert np.abs(colours[0, size - 1].astype(int) - 255).max() > 60

    def test_nothing_is_white_and_more_is_darker(self) -> None:
        shares = np.array([[0.0, 0.2, 0.8], [0, 1, 0], [0.5, 0.4, 0.1]])
        colours = matrix.colors(shares).astype(int)
        assert (colours[0, 0] == 255).all()
        assert colours[0, 1].sum() > colours[0, 2].sum()

    def test_names_that_are_hard_to_draw(self) -> None:
        labels = ["", "a\nb", "🦊", "w" * 500]
        picture = matrix.draw(Confusion(labels=labels, matrix=[[0, 0, 0, 123456]] * 4))
        assert max(picture.size) < 600

    def test_a_picture_of_somebody_is_left_alone(self, tmp_path: Path) -> None:
        confusion = Confusion(labels=("a", "b"), matrix=((1, 2), (3, 4)))
        (tmp_path / "mine.png").write_bytes(b"mine")
        with pytest.raises(OutputError, match="is not a matrix that genie drew"):
            matrix.write(confusion, tmp_path / "mine.png")
        assert (tmp_path / "mine.png").read_bytes() == b"mine"
        assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]


def test_what_a_terminal_shows() -> None:
    """The table holds class names that look like markup."""
    from rich.console import Console

    from genie_cli.cli.confuse import table_of

    screen = StringIO()
    confusion = Confusion(labels=("[red]", "b"), matrix=((1, 3), (0, 4)))
    Console(file=screen, width=80).print(table_of(confusion.pairs()))
    assert "[red]" in screen.getvalue()
    assert "75.0%" in screen.getvalue()
