"""Generated images are found by what they show; where they lie and who made them does not matter."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli import manifest
from genie_cli.errors import ManifestError, UsageError
from genie_cli.evaluate.generated import GeneratedImage, GeneratedImages, describe
from genie_cli.header import Header
from genie_cli.jobs import Job, Method, Source
from genie_cli.manifest import Row, Status

FOX = Source(path="fox/1.jpg", sha256="f" * 64, label="fox")
LYNX = Job(source=FOX, target="lynx", prompt="A photo of a lynx", method=Method.GENIE, r=0.8, model="tiny@1")
FOLDER = Path("out")


def but(job: Job, **changes: Any) -> Job:
    return Job(**{**job.model_dump(), **changes})


def made(job: Job, **changes: Any) -> Row:
    own = {"file": f"train/{job.target}/{job.id}.png", "sha256": hashlib.sha256(job.id.encode()).hexdigest()}
    return Row(job, Status.MADE, **{**own, **changes})


def images(*rows: Row, **header: Any) -> GeneratedImages:
    found = GeneratedImages()
    add(found, *rows, **header)
    return found


def add(found: GeneratedImages, *rows: Row, **header: Any) -> None:
    text = Header(kind="genie.manifest", **header).line() + "".join(row.line() for row in rows)
    found.add(replace(manifest.read(io.StringIO(text), "manifest.jsonl", "genie.manifest"), folder=FOLDER))


def test_an_image_is_found_with_its_path_and_hash() -> None:
    row = made(LYNX)
    assert images(row).find(LYNX) == GeneratedImage(FOLDER / row.file, row.sha256)


def test_the_solvers_steps_are_those_that_all_manifests_state() -> None:
    found = GeneratedImages()
    known = [found.steps]
    for target, settings in (("lynx", {"steps": 50}), ("dog", {"steps": 50, "guidance": 3.0}), ("cat", {"steps": 20})):
        add(found, made(but(LYNX, target=target)), settings=settings)
        known.append(found.steps)
    assert known == [None, 50, 50, None]
    assert images(made(LYNX)).steps is None  # a manifest that was written by hand


@pytest.mark.parametrize(
    "asked",
    [
        but(LYNX, prompt="a lynx in the snow"),
        but(LYNX, model=""),
        but(LYNX, seed=99),
        but(LYNX, source=FOX.model_copy(update={"path": "elsewhere/2.jpg", "label": "vulpes"})),
    ],
)
def test_prompt_model_seed_and_path_do_not_matter(asked: Job) -> None:
    assert images(made(LYNX)).find(asked) == images(made(LYNX)).find(LYNX)


@pytest.mark.parametrize(
    "asked",
    [
        but(LYNX, source=FOX.model_copy(update={"sha256": "e" * 64})),
        but(LYNX, target="dog"),
        but(LYNX, method=Method.IMG2IMG),
        but(LYNX, method=Method.TXT2IMG, source=None),
        but(LYNX, r=0.7),
        but(LYNX, replicate=1),
    ],
)
def test_what_an_image_shows_does(asked: Job) -> None:
    assert images(made(LYNX)).find(asked) is None
    both = images(made(LYNX), made(asked))
    assert len(both) == 2
    assert both.find(asked) != both.find(LYNX)


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED])
def test_what_was_not_made_is_not_found(status: Status) -> None:
    found = images(Row(LYNX, status, reason="the source is broken"))
    assert found.find(LYNX) is None
    assert len(found) == 0


def test_a_root_in_the_header_overrides_the_folder() -> None:
    row = made(LYNX)
    for root, expected in ((None, FOLDER), ("/elsewhere", Path("/elsewhere")), ("images", FOLDER / "images")):
        found = images(row, root=root).find(LYNX)
        assert found
        assert found.path == expected / row.file


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (made(but(LYNX, model="huge@2")), "huge@2"),
        (made(but(LYNX, seed=5)), "seed 5"),
        (made(but(LYNX, prompt="lynx")), but(LYNX, prompt="lynx").id),
        (made(LYNX, file="train/lynx/again.png", sha256="0" * 64), "again.png"),
    ],
)
def test_two_images_of_one_thing_are_refused_and_both_named(other: Row, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        images(made(LYNX), other)
    assert "genie at r = 0.8, 'lynx' from fox/1.jpg, replicate 0" in str(refused.value)
    for name in (str(FOLDER / made(LYNX).file), str(FOLDER / other.file), "tiny@1", said):
        assert name in str(refused.value)
    assert "at a time" in refused.value.hint
    found = images(made(LYNX))
    with pytest.raises(UsageError):
        add(found, other)


def test_the_same_image_may_come_twice() -> None:
    found = images(made(LYNX), made(LYNX))
    add(found, made(LYNX), root="/a/copy")
    assert len(found) == 1


def test_an_image_without_a_hash_is_refused() -> None:
    with pytest.raises(ManifestError, match=f"the row of {made(LYNX).file} has no sha256"):
        images(made(LYNX, sha256=""))


def test_probes_and_images_are_kept_apart() -> None:
    """Their jobs are the same, so that nothing but the header tells them apart."""
    probes = GeneratedImages(probes=True)
    add(probes, made(LYNX), settings={"probe": True})
    assert probes.find(LYNX)
    with pytest.raises(UsageError, match=r"manifest\.jsonl has no probes"):
        add(probes, made(LYNX), settings={"steps": 50})
    with pytest.raises(UsageError, match=r"manifest\.jsonl has probes") as refused:
        images(made(LYNX), settings={"probe": True})
    assert "without --probe" in refused.value.hint
    assert images(made(LYNX), settings={"probe": False}).find(LYNX)


class TestOracle:
    def test_without_one_every_image_is_accepted(self) -> None:
        found = images(made(LYNX)).find(LYNX)
        assert found
        assert (found.accepted, found.soft_label) == (True, None)

    def test_what_it_said_is_told(self) -> None:
        said = {"accepted": False, "soft_label": {"lynx": 0.25, "fox": 0.75}}
        found = images(made(LYNX, extra={"oracle": said})).find(LYNX)
        assert found
        assert (found.accepted, found.soft_label) == (False, {"lynx": 0.25, "fox": 0.75})

    def test_an_empty_verdict_says_nothing(self) -> None:
        found = images(made(LYNX, extra={"oracle": None})).find(LYNX)
        assert found
        assert (found.accepted, found.soft_label) == (True, None)

    @pytest.mark.parametrize("said", [3, "yes", [], {"soft_label": 3}, {"accepted": "false"}])
    def test_what_is_no_verdict_is_refused(self, said: object) -> None:
        with pytest.raises(ManifestError, match="line 2: oracle"):
            images(made(LYNX, extra={"oracle": said}))

    def test_labels_are_hard_or_the_oracles_for_the_classes_asked_for(self) -> None:
        judged = {"accepted": True, "soft_label": {"lynx": 0.2, "fox": 0.6, "owl": 0.2}}
        found = images(made(LYNX, extra={"oracle": judged})).find(LYNX)
        assert found
        assert found.label("lynx", ["fox", "lynx"], soft=False).tolist() == [0, 1]
        assert found.label("lynx", ["fox", "lynx"], soft=True).tolist() == pytest.approx([0.75, 0.25])
        assert found.label("dog", ["dog", "cat"], soft=True).tolist() == [1, 0]  # it says nothing about these
        without = images(made(LYNX)).find(LYNX)
        assert without
        with pytest.raises(UsageError, match="has no soft label"):
            without.label("lynx", ["lynx"], soft=True)

    @pytest.mark.parametrize("other", [{}, {"select": {"selected": True}}])
    def test_two_selections_of_one_image_are_refused(self, other: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match=r"two selections of genie at r = 0\.8"):
            images(made(LYNX, extra={"select": {"selected": False}}), made(LYNX, extra=other))

    def test_what_was_not_selected_is_not_used(self) -> None:
        found = images(made(LYNX, extra={"oracle": {"accepted": True}, "select": {"selected": False}})).find(LYNX)
        assert found
        assert not found.accepted

    @pytest.mark.parametrize("other", [{}, {"oracle": {"accepted": True}}])
    def test_two_verdicts_on_one_image_are_refused(self, other: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match=r"two verdicts of the oracle on genie at r = 0\.8"):
            images(made(LYNX, extra={"oracle": {"accepted": False}}), made(LYNX, extra=other))


@given(st.integers(0, 2**32), st.integers(0, 12))
def test_neither_the_order_of_rows_nor_their_manifest_matters(shuffle: int, cut: int) -> None:
    jobs = [
        but(LYNX, target=target, r=r, replicate=n) for target in ("lynx", "dog") for r in (0.5, 0.8) for n in (0, 1)
    ]
    rows = [*map(made, jobs), *(Row(but(LYNX, target="owl", r=r), Status.FAILED) for r in (0.2, 0.4, 0.6, 0.8))]
    shuffled = random.Random(shuffle).sample(rows, len(rows))
    found = images(*shuffled[:cut])
    add(found, *shuffled[cut:])
    assert len(found) == len(jobs)
    assert [found.find(job) for job in jobs] == [images(*rows).find(job) for job in jobs]


def test_a_job_in_words() -> None:
    alone = but(LYNX, source=None, method=Method.TXT2IMG, r=1, replicate=3)
    assert describe(LYNX) == "genie at r = 0.8, 'lynx' from fox/1.jpg, replicate 0"
    assert describe(alone) == "txt2img at r = 1, 'lynx', replicate 3"


def test_an_identity_is_all_that_a_result_depends_on_and_nothing_else() -> None:
    def identity(job: Job = LYNX, **row: Any) -> list[tuple[object, ...]]:
        return list(images(made(job, **row)).identities([job, job]))

    usual = identity()
    assert len(usual) == 1
    assert identity(file="elsewhere.png") == usual
    elsewhere = but(LYNX, prompt="a lynx", model="other@2", seed=3)
    assert identity(elsewhere, sha256=made(LYNX).sha256) == usual
    others = [
        identity(sha256="0" * 64),
        identity(extra={"oracle": {"accepted": False}}),
        identity(extra={"select": {"selected": False}}),
        identity(extra={"oracle": {"soft_label": {"lynx": 0.9, "fox": 0.1}}}),
        identity(but(LYNX, r=0.7)),
        identity(but(LYNX, replicate=1)),
        identity(but(LYNX, target="dog")),
    ]
    assert all(other != usual for other in others)


def test_of_an_image_that_is_missing_there_is_no_identity() -> None:
    with pytest.raises(UsageError, match="1 generated images that are needed are not in the manifests"):
        list(images(made(LYNX)).identities([LYNX, but(LYNX, target="dog")]))
