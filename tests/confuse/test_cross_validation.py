"""Confusions of a folder's images, each predicted by a classifier that has not seen it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genie_cli.backbones.digits import backbone
from genie_cli.backbones.features import Features
from genie_cli.confuse.confusion import Confusion
from genie_cli.confuse.cross_validation import drop_duplicates, predict, see
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.jobs import Source
from tests.conftest import Genie

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

    def test_an_image_alone_in_its_class_is_classified_by_the_others(self) -> None:
        """The only b lies among the c's, and the only d among the a's; neither takes a part in any classifier."""
        rng = np.random.default_rng(2)
        labels = [name for name in "aacc" for _ in range(6)]
        features = [rng.normal(9 * np.eye(2)["ac".index(label)], 0.5).astype(np.float32) for label in labels]
        alone = [rng.normal(9 * np.eye(2)[place], 0.5).astype(np.float32) for place in (1, 0)]
        predicted = predict([*features[:7], *alone, *features[7:]], [*labels[:7], "b", "d", *labels[7:]], folds=3)
        assert predicted[7:9] == ["c", "a"]
        assert predicted[:7] + predicted[9:] == predict(features, labels, folds=3)

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
        (target,) = [word.removeprefix("--targets=") for word in command if word.startswith("--targets=")]
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
        assert "classes without an image that can be used: yak" in result.stderr
        assert not (tmp_path / "confusion.json").exists()

    def test_one_image_in_two_classes(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        image = next(training.glob("one/*"))
        shutil.copyfile(image, training / "seven/also.png")
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert f"left out: one image in several classes: one/{image.name}, seven/also.png" in result.stderr
        confusion = Confusion.read(tmp_path / "confusion.json")
        assert dict(zip(confusion.labels, map(sum, confusion.matrix), strict=True))["one"] == 7

    def test_small_classes(self, genie: Genie, training: Path, tmp_path: Path) -> None:
        for label, left in (("four", 3), ("nine", 1)):
            for image in sorted((training / label).iterdir())[left:]:
                image.unlink()
        result = genie("confuse", "--src-dir", training, *DIGITS)
        assert result.exit_code == 0
        assert "3 folds instead of 5: four has 3 images" in result.stderr
        assert "a single image, which is classified by a classifier that knows the other classes only: nine" in (
            " ".join(result.stderr.split())
        )
        confusion = Confusion.read(tmp_path / "confusion.json")
        nine = dict(zip(confusion.labels, confusion.matrix[confusion.labels.index("nine")], strict=True))
        assert (sum(nine.values()), nine["nine"]) == (1, 0)
        assert confusion.how["single"] == ["nine"]
        ((taken_for, _),) = confusion.most_confused("nine", 4)
        words = ("--src-dir", training, "--targets", "nine", "--confusion", "confusion.json", "--per-target", 2)
        assert genie("generate", *words, "--out", "made").exit_code == 0
        rows = [json.loads(line) for line in (tmp_path / "made/manifest.jsonl").read_text().splitlines()[1:]]
        assert {row["source"]["label"] for row in rows} == {taken_for}
