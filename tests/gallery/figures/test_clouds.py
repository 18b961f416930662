"""Distances to classes, and features in the plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genie_cli.gallery.figures.clouds import Cloud, Place, places
from genie_cli.gallery.figures.projections import pca, projections, umap


def cloud(kind: str, *images: tuple[float, float, str, str]) -> Cloud:
    """Images by two features, their class, and that of their source."""
    names = [np.array([each[place] for each in images]) for place in (2, 3)]
    return Cloud(kind, np.array([each[:2] for each in images], dtype=np.float64), *names)


REAL = cloud("real", (0, 0, "cat", "cat"), (0, 2, "cat", "cat"), (4, 1, "dog", "dog"))  # means (0, 1) and (4, 1)


def place(*images: tuple[float, float, str, str]) -> Place:
    (found,) = places(REAL, [cloud("genie r=0.8", *images)], "eye")
    return found


def test_distances_to_the_classes_of_source_and_target() -> None:
    found = place((1, 1, "dog", "cat"), (3, 1, "dog", "cat"), (4, 4, "dog", "cat"))
    assert found == Place(
        "eye", "genie r=0.8", 3, round((1 + 3 + 5) / 3, 4), round((3 + 1 + 3) / 3, 4), round(1 / 3, 4)
    )


@pytest.mark.parametrize("source", ["", "cat"])  # of Txt2Img and of Img2Img
def test_without_a_class_of_its_own_the_source_is_any_other(source: str) -> None:
    assert place((1, 1, "cat", source)) == Place("eye", "genie r=0.8", 1, 3, 1, 0)


def test_a_target_without_real_images_has_no_distance() -> None:
    assert place((1, 1, "fox", "cat")) == Place("eye", "genie r=0.8", 1, 1, None, None)
    assert place((1, 1, "fox", "cat"), (3, 1, "dog", "cat")) == Place("eye", "genie r=0.8", 2, 2, 1, 0)


def test_pca_is_that_of_the_singular_value_decomposition() -> None:
    features = np.random.default_rng(0).normal(size=(40, 12)) * np.arange(1, 13)
    found = pca(features)
    centered = features - features.mean(axis=0)
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    expected = left[:, :2] * values[:2]
    signs = np.sign((found.places * expected).sum(axis=0))
    np.testing.assert_allclose(found.places * signs, expected, atol=1e-9)
    share = values[0] ** 2 / (values**2).sum()
    assert found.axes[0] == f"first component ({100 * share:.0f} % of the variance)"


def test_images_that_are_all_the_same_have_a_map() -> None:
    assert (pca(np.ones((3, 5))).places == 0).all()


def test_few_images_are_not_given_to_umap() -> None:
    assert [each.name for each in projections(np.random.default_rng(0).normal(size=(10, 4)))] == ["PCA"]


def test_umap_keeps_two_clusters_apart_and_gives_the_same_again() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(15, 4)), rng.normal(size=(15, 4)) + 30])
    before = torch.get_num_threads()
    found = umap(features).places
    assert torch.get_num_threads() == before  # else images that are made later would have other bytes
    one, other = found[:15], found[15:]
    assert np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) > max(np.ptp(one), np.ptp(other)) / 2
    np.testing.assert_array_equal(umap(features).places, found)
