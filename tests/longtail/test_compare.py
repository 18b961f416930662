"""Paired differences: small tables computed by hand, and draws with known variances that the intervals must cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.jobs import Source
from genie_cli.longtail.compare import Paired, Trained, difference, pooled
from genie_cli.longtail.groups import THRESHOLDS, Profile
from genie_cli.longtail.testing import Outcome

T1, T2 = 12.706205, 4.302653  # 97.5 % quantiles of Student's t with one and two degrees of freedom, from tables


def table(*rows: Sequence[float], labels: str = "", clusters: Sequence[str] = ()) -> Paired:
    """Differences by training and image; the images are of one class, each a cluster of its own, unless said."""
    images = np.array(rows, dtype=np.float64)
    labels = labels or "a" * images.shape[1]
    classes = {
        label: images[:, [place for place, own in enumerate(labels) if own == label]].mean(axis=1)
        for label in sorted(set(labels))
    }
    return Paired(classes, images, tuple(labels), tuple(clusters) or tuple(map(str, range(images.shape[1]))))


class TestByHand:
    def test_trainings_and_images_add_up(self) -> None:
        """Means of trainings 2/3 and -1/3, of images 1/2, 1/2 and -1/2, of all 1/6.

        V_training = (1/4 + 1/4) / 2 = 1/4. V_image = (1/9 + 1/9 + 4/9) / 6 = 1/9. V_both = 102/36 / 36 * 6/5 = 17/180.
        """
        found = difference([table((1, 1, 0), (0, 0, -1))], "a")
        assert (found.mean, found.trainings, found.clusters) == (pytest.approx(1 / 6), 2, 3)
        assert found.over_seeds == pytest.approx(T1 * (1 / 4) ** 0.5)
        assert found.two_way == pytest.approx(T1 * (1 / 4 + 1 / 9 - 17 / 180) ** 0.5)

    def test_it_is_no_less_than_the_larger_of_both(self) -> None:
        """V_training = V_both = 1/9 and V_image = 7/36, so that the sum is V_image."""
        found = difference([table((1, 1, 0), (1, 0, -1))], "a")
        assert found.over_seeds == pytest.approx(T1 * (1 / 9) ** 0.5)
        assert found.two_way == pytest.approx(T1 * (7 / 36) ** 0.5)

    def test_nor_less_than_nothing(self) -> None:
        """V_training = V_image = 0, and V_both = 1/3."""
        found = difference([table((1, -1), (-1, 1))], "a")
        assert (found.mean, found.over_seeds, found.two_way) == (0, 0, 0)

    def test_classes_weigh_the_same_whatever_their_number_of_images(self) -> None:
        """Class a has 1/2 and 0, class b 1 and 0: trainings 3/4 and 0, so 3/8 and not 1/3.

        V_training = 2 (3/8)^2 / 2 = 9/64, which is more than the sum.
        """
        found = difference([table((1, 0, 1), (0, 0, 0), labels="aab")], "ab")
        assert found.mean == pytest.approx(3 / 8)
        assert found.over_seeds == pytest.approx(T1 * 3 / 8)
        assert found.two_way == pytest.approx(T1 * 3 / 8)

    def test_that_classes_differ_is_no_variance(self) -> None:
        """Class a has 1/2 and class b 1 in both trainings. Images are 1/2 above and below their class, or as it is.

        V_training = 0. V_image = 2 (1/2 / 4)^2 * 3 / (3 - 2) = 3/32, which is more than the sum.
        """
        found = difference([table((1, 0, 1), (1, 0, 1), labels="aab")], "ab")
        assert (found.mean, found.over_seeds) == (pytest.approx(3 / 4), 0)
        assert found.two_way == pytest.approx(T1 * (3 / 32) ** 0.5)

    def test_images_of_one_cluster_count_as_one(self) -> None:
        apart = difference([table((1, 0), (0, 0), (1, -1))], "a")
        copies = difference([table((1, 1, 0, 0), (0, 0, 0, 0), (1, 1, -1, -1), clusters="ppqq")], "a")
        assert copies == apart
        assert (copies.clusters, copies.mean) == (2, pytest.approx(1 / 6))

    def test_only_the_classes_of_the_group_count(self) -> None:
        whole = table((1, 1, 0, -1, -1), (0, 0, -1, 1, 0), labels="aaabb")
        assert difference([whole], "a") == difference([table((1, 1, 0), (0, 0, -1))], "a")

    def test_of_a_single_training_there_is_no_interval(self) -> None:
        found = difference([table((1, 0, 0))], "a")
        assert (found.mean, found.over_seeds, found.two_way) == (pytest.approx(1 / 3), None, None)

    def test_nor_a_two_way_one_of_a_single_image_for_each_class(self) -> None:
        found = difference([table((1, 0), (0, 0), labels="ab")], "ab")
        assert found.over_seeds == pytest.approx(T1 * 0.25)
        assert found.two_way is None

    def test_runs_with_images_of_their_own_have_the_variance_of_their_trainings(self) -> None:
        """One training in each run, on other images: V_image = V_both but for the factors, which are 9 / 8 both."""
        runs = [table(row, clusters=names) for row, names in zip(((1, 1, 1), (0, 0, 1), (0, 0, -1)), RUNS, strict=True)]
        found = difference(runs, "a")
        values = [1, 1 / 3, -1 / 3]
        assert found.mean == pytest.approx(1 / 3)
        assert found.over_seeds == pytest.approx(T2 * np.std(values, ddof=1) / 3**0.5)
        assert found.two_way == pytest.approx(found.over_seeds)
        assert (found.trainings, found.clusters) == (3, 9)

    def test_trainings_of_a_run_can_count_as_one(self) -> None:
        runs = [table((1, 1, 0), (1, 0, -1)), table((0, 0, 0), clusters="pqr")]
        apart, together = difference(runs, "a"), difference(runs, "a", by_run=True)
        assert (apart.trainings, apart.mean) == (3, pytest.approx((2 / 3 + 0 + 0) / 3))
        assert (together.trainings, together.mean) == (2, pytest.approx((1 / 3 + 0) / 2))
        assert together.over_seeds == pytest.approx(T1 * 1 / 6)
        assert together.two_way is not None
        assert together.two_way >= T1 / 6


RUNS = ("abc", "def", "ghi")


class TestDraws:
    """d = class + training + image + rest; the true variance of the mean is known, and so is what must be covered."""

    CLASSES, IMAGES = "ab", 40  # images of each class

    def drawn(self, rng: np.random.Generator, trainings: int, of: tuple[float, float, float]) -> Paired:
        count = self.IMAGES * len(self.CLASSES)
        labels = np.repeat(list(self.CLASSES), self.IMAGES)
        training, image, rest = of
        images = np.where(labels == "a", 0.4, 0.0) + training * rng.standard_normal((trainings, 1))
        images = images + image * rng.standard_normal(count) + rest * rng.standard_normal((trainings, count))
        return table(*images, labels="".join(labels))

    def covered(self, trainings: int, of: tuple[float, float, float], draws: int = 600) -> dict[str, float]:
        rng = np.random.default_rng(7)
        hits = {"over_seeds": 0, "two_way": 0}
        for _ in range(draws):
            found = difference([self.drawn(rng, trainings, of)], self.CLASSES)
            for name in hits:
                hits[name] += abs(found.mean - 0.2) <= getattr(found, name)
        return {name: hit / draws for name, hit in hits.items()}

    @pytest.mark.parametrize("of", [(0.05, 0.5, 0.5), (0.05, 0.1, 0.5), (0.02, 0.8, 0.2), (0.0, 0.0, 0.5)])
    def test_the_two_way_interval_covers(self, of: tuple[float, float, float]) -> None:
        assert 0.925 <= self.covered(12, of)["two_way"] <= 0.985

    def test_the_interval_over_seeds_says_nothing_of_other_images(self) -> None:
        covered = self.covered(12, (0.0, 0.5, 0.5))
        assert covered["over_seeds"] < 0.75
        assert covered["two_way"] > 0.925

    def test_but_it_covers_what_only_seeds_vary(self) -> None:
        assert 0.925 <= self.covered(4, (0.1, 0.0, 0.5))["over_seeds"] <= 0.975


class TestOfOutcomes:
    PROFILE = Profile({"x": 200, "c": 50, "a": 5, "b": 4}, THRESHOLDS["livt"])
    TEST = tuple(
        Source(path=f"{label}{number}", sha256=f"{label}{number}".encode().hex().rjust(64, "0"), label=label)
        for label in "xcab"
        for number in range(4)
    )
    TXT2IMG, NONE = Augmentation(AugmentationName.TXT2IMG, (1.0,)), Augmentation(AugmentationName.NONE)

    def outcome(self, augmentation: Augmentation, seed: int, predicted: str, **changes: Any) -> Outcome:
        labels = [source.label for source in self.TEST]
        accuracy = {
            label: float(
                np.mean([guess == label for guess, own in zip(predicted, labels, strict=True) if own == label])
            )
            for label in "abcx"
        }
        places = tuple("abcx".index(guess) for guess in predicted)
        return Outcome(augmentation, seed, accuracy, 0, 0, places, **changes)

    def trained(self) -> Trained:
        return Trained(
            self.PROFILE,
            self.TEST,
            [
                self.outcome(self.NONE, 3, "xxxxccccxxxxxxxx"),
                self.outcome(self.NONE, 5, "xxxacccaxxxxxbbx"),
                self.outcome(self.TXT2IMG, 5, "xxxaccccaaxxxbbb"),
                self.outcome(self.TXT2IMG, 3, "xxxxccccaaaabbxx"),
            ],
        )

    def test_trainings_are_paired_by_seed_and_groups_are_the_profiles(self) -> None:
        found = self.trained().compare("txt2img", "none")
        assert list(found) == ["many", "med", "few", "overall"]
        # Seed 3: a from 0 to 1, b from 0 to 1/2. Seed 5: a from 0 to 1/2, b from 1/2 to 3/4, c from 3/4 to 1.
        assert {name: each.mean for name, each in found.items()} == pytest.approx(
            {"many": 0, "med": 1 / 8, "few": (3 / 4 + 3 / 8) / 2, "overall": (3 / 2 + 1) / 4 / 2}
        )
        assert found["few"].over_seeds == pytest.approx(T1 * 3 / 8 / 2)
        assert [each.clusters for each in found.values()] == [4, 4, 8, 16]
        rows = ((1, 1, 1, 1, 1, 1, 0, 0), (1, 1, 0, 0, 0, 0, 0, 1))
        assert found["few"] == difference([table(*rows, labels="aaaabbbb")], "ab")
        assert self.trained().compare("none", "txt2img")["few"].mean == -found["few"].mean

    def test_without_predictions_there_is_the_interval_over_seeds_alone(self) -> None:
        trained = self.trained()
        first = trained.outcomes[0]
        earlier = Outcome(first.augmentation, first.seed, first.accuracy, 0, 0)
        found = Trained(self.PROFILE, self.TEST, [earlier, *trained.outcomes[1:]]).compare("txt2img", "none")
        assert found["few"].over_seeds == trained.compare("txt2img", "none")["few"].over_seeds
        assert found["few"].two_way is None

    def test_images_of_pools_are_grouped_if_so_told(self) -> None:
        one = self.trained()
        again = Trained(
            self.PROFILE, [s.model_copy(update={"sha256": "f" + s.sha256[1:]}) for s in self.TEST], one.outcomes
        )
        apart = pooled([one, again], "txt2img", "none")["few"]
        scans = {source.sha256: source.path for run in (one, again) for source in run.test}
        grouped = pooled([one, again], "txt2img", "none", scans)["few"]
        assert (apart.trainings, apart.clusters) == (4, 16)
        assert (grouped.trainings, grouped.clusters) == (4, 8)
        assert grouped.mean == apart.mean == one.compare("txt2img", "none")["few"].mean
        assert grouped.two_way is not None
        assert apart.two_way is not None
        assert grouped.two_way > apart.two_way
        assert pooled([one, again], "txt2img", "none", by_run=True)["few"].trainings == 2

    def test_what_cannot_be_paired_is_refused(self) -> None:
        one = self.trained()
        for outcomes in (one.outcomes[1:], one.outcomes[:2]):
            with pytest.raises(ValueError, match="not trained with the same seeds"):
                Trained(self.PROFILE, self.TEST, outcomes).compare("txt2img", "none")
        other = Trained(Profile({"x": 200, "c": 5, "a": 5, "b": 4}, THRESHOLDS["livt"]), self.TEST, one.outcomes)
        with pytest.raises(ValueError, match="the runs differ"):
            pooled([one, other], "txt2img", "none")


def test_the_quantiles_of_the_tables() -> None:
    assert [float(t.ppf(0.975, degrees)) for degrees in (1, 2)] == pytest.approx([T1, T2], rel=1e-6)
