"""A manifest that was lost or damaged comes back from the images, row for row; nothing else in the folder changes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli import __version__, provenance
from genie_cli.config import Format
from genie_cli.errors import ManifestError, OutputError
from genie_cli.generate.folder import Output
from genie_cli.generate.rebuild import Rebuilt
from genie_cli.generate.rebuild import rebuild as rebuild_manifest
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Job, Method
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from genie_cli.recipe import Recipe
from tests.conftest import tree
from tests.damage import damaged
from tests.generate.outputs import documents, rows
from tests.plans import a_source
from tests.records import gradient

SETTINGS = RunSettings(model="sd15@abc", steps=50, guidance=7.5, slots=8, format="png", plans=[{"targets": ["x"]}])
HEADER = Header(kind="genie.manifest", settings=SETTINGS, versions={"genie-cli": __version__, "torch": "2.7"})
PHOTOS = [a_source(number, label) for number, label in enumerate(("cat", "dog", "a/b"))]
RECIPE = Recipe(targets=("a/b", "fox 🦊", "test"), r=(0.5, 0.8), model="sd15@abc")
PLAN = tuple(RECIPE.jobs(sorted(PHOTOS, key=lambda source: source.path)))


def image_of(job: Job, **changes: Any) -> bytes:
    settings = {**HEADER.settings.made_with(), "slots": 4, **changes}
    return provenance.encode(gradient(8, 8), Format.PNG, job, settings)


def make(root: Path, jobs: Iterable[Job] = PLAN, header: Header = HEADER) -> list[Row]:
    """A run without a model, of which some jobs fail; or its continuation."""
    out = Output(root, header)
    with out.opened():
        known = out.known()
        for job in [job for job in jobs if not known.made(job)]:
            if int(job.id, 16) % 5:
                out.save(job, image_of(job), Format.PNG, 4)
            else:
                out.note(Row(job, Status.FAILED, reason="no luck"))
        out.finish(jobs)
    return rows(out)


def rebuild(root: Path) -> Rebuilt:
    """Rebuilds, and checks that every file that was there still is, under its own name or another, but genie's card."""
    before = tree(root)
    rebuilt = rebuild_manifest(root, Observer())
    after = tree(root)
    kept = {digest for name, digest in before.items() if not name.startswith(".genie") and name != "README.md"}
    assert kept <= set(after.values())
    assert all(after[name] == digest for name, digest in before.items() if name.endswith((".png", ".txt")))
    return rebuilt


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "out"
    statuses = {row.status for row in make(root)}
    assert statuses == {Status.MADE, Status.FAILED}
    return root


@pytest.fixture
def made(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def test_a_lost_manifest_comes_back_row_for_row(made: Path) -> None:
    before, shown = rows(Output(made, HEADER)), (made / "train/metadata.jsonl").read_text().splitlines()
    (made / "manifest.jsonl").unlink()
    with pytest.raises(OutputError, match=r"no manifest\.jsonl") as caught:
        make(made)
    assert f"genie status {made} --rebuild" in caught.value.hint
    rebuilt = rebuild(made)
    after = rows(Output(made, HEADER))
    images = [row for row in before if row.status is Status.MADE]
    assert sorted(after, key=lambda row: row.job.id) == sorted(images, key=lambda row: row.job.id)
    assert sorted((made / "train/metadata.jsonl").read_text().splitlines()) == sorted(shown)
    assert (rebuilt.images, rebuilt.others, rebuilt.left_out) == (len(images), 0, ())
    assert [words.split(":")[0] for words in rebuilt.unknown] == [
        "which jobs failed or were skipped, and why",
        "columns that other commands had added to the manifest",
        "the plan, and the order of its rows",
        "the folder of the sources, until then",
        "versions of packages other than genie-cli",
        "the batch size that the run began with, if memory ran out",
    ]


def test_and_the_same_command_goes_on_as_if_it_had_not_been_lost(made: Path, tmp_path: Path) -> None:
    before = documents(made)
    for lost in ("manifest.jsonl", "train/metadata.jsonl"):
        (made / lost).unlink()
    rebuild(made)
    header = HEADER.model_copy(update={"settings": SETTINGS.model_copy(update={"slots": 4})})
    make(made, header=header)
    head, *table = documents(made)[0].splitlines()
    assert table == before[0].splitlines()[1:]
    assert documents(made)[1] == before[1]
    said = json.loads(head)
    assert (said["settings"]["plans"], said["versions"]) == (SETTINGS.plans, {"genie-cli": __version__})


def test_the_rows_of_images_are_in_the_order_of_their_sources(made: Path) -> None:
    (made / "manifest.jsonl").unlink()
    rebuild(made)
    images = {row.job.id for row in rows(Output(made, HEADER))}
    assert [row.job for row in rows(Output(made, HEADER))] == [job for job in PLAN if job.id in images]


def test_a_manifest_that_was_cut_anywhere_is_completed(made: Path) -> None:
    whole = (made / "manifest.jsonl").read_bytes()
    for end in (*range(0, len(whole), len(whole) // 12), len(whole) - 1):
        (made / "manifest.jsonl").write_bytes(whole[:end])
        with pytest.raises(ManifestError) as caught:
            make(made)
        assert f"genie status {made} --rebuild" in caught.value.hint
        rebuilt = rebuild(made)
        assert whole[:end] in {path.read_bytes() for path in rebuilt.replaced}
        if b"\n" in whole[:end]:
            make(made)
            assert (made / "manifest.jsonl").read_bytes() == whole
        for path in made.glob("*.before-rebuild*"):
            path.unlink()


@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_manifest(data: st.DataObject, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever it says now, no image is lost, and none is entered with another content than it has."""
    root = Path(shutil.copytree(finished, tmp_path_factory.mktemp("damaged") / "out"))
    (root / "manifest.jsonl").write_bytes(data.draw(damaged((root / "manifest.jsonl").read_bytes())))
    try:
        rebuilt = rebuild(root)
    except OutputError as error:
        if "is whole: there is nothing to rebuild" in str(error):
            return
        raise
    made = {row.file: row.sha256 for row in rows(Output(root, HEADER)) if row.status is Status.MADE}
    assert rebuilt.images == len(made)
    assert {name: digest for name, digest in tree(root).items() if name.endswith(".png")} == made


def test_a_column_that_is_left_of_a_damaged_manifest_is_kept(made: Path) -> None:
    lines = (made / "manifest.jsonl").read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), "mine": 3})
    (made / "manifest.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    rebuild(made)
    assert rows(Output(made, HEADER))[0].extra == {"mine": 3}


def spoiled(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:-40])
    return "is truncated"


def without_record(path: Path) -> str:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(path)
    return "carries no record"


def with_a_damaged_chunk(path: Path) -> str:
    path.write_bytes(path.read_bytes().replace(b"A photo of", b"A PHOTO of"))
    return "is not a JPEG, PNG or WebP image"


def of_other_settings(path: Path) -> str:
    path.write_bytes(image_of(provenance.read(path).job, steps=20))
    return "was made with other settings: steps: 50 -> 20"


def of_another_job(path: Path) -> str:
    path.write_bytes(image_of(PLAN[0].model_copy(update={"seed": 7})))
    return "is the image of another job, which belongs at"


def a_link_to_nothing(path: Path) -> str:
    path.unlink()
    path.symlink_to("nowhere")
    return "does not exist"


def of_no_slots(path: Path) -> str:
    path.write_bytes(image_of(provenance.read(path).job, slots="many"))
    return "settings that no run has"


@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize(
    "spoil",
    [spoiled, without_record, with_a_damaged_chunk, of_other_settings, of_another_job, a_link_to_nothing, of_no_slots],
)
def test_an_image_that_is_left_out_is_named(made: Path, spoil: Callable[[Path], str], has_header: bool) -> None:
    path = next(made.glob("train/fox*/*.png"))
    why = spoil(path)
    count = len(list(made.glob("train/*/*.png")))
    if has_header:
        os.truncate(made / "manifest.jsonl", os.path.getsize(made / "manifest.jsonl") - 1)
    else:
        (made / "manifest.jsonl").unlink()
    rebuilt = rebuild(made)
    [told] = rebuilt.left_out
    assert told.startswith(str(path))
    assert why in told
    assert rebuilt.images == count - 1
    assert path.name.removesuffix(".png") not in (made / "manifest.jsonl").read_text().replace("failed", "")


def test_what_is_somebody_elses_stays_where_it_is_or_is_kept(made: Path) -> None:
    (made / "train/fox 🦊/real.txt").write_text("a real fox")
    (made / "train/beside.txt").write_text("mine")
    (made / "manifest.jsonl").write_text("mine")
    (made / "train/metadata.jsonl").write_text("mine, too")
    (made / "manifest.jsonl.before-rebuild").write_text("an earlier one")
    rebuilt = rebuild(made)
    assert [path.name for path in rebuilt.replaced] == [
        "manifest.jsonl.before-rebuild-2",
        "metadata.jsonl.before-rebuild",
    ]
    assert [path.read_text() for path in rebuilt.replaced] == ["mine", "mine, too"]
    assert {path.parent for path in rebuilt.replaced} == {made}


def test_a_link_in_place_of_the_manifest_is_kept_and_not_written_through(made: Path, tmp_path: Path) -> None:
    (made / "manifest.jsonl").unlink()
    (made / "manifest.jsonl").symlink_to(tmp_path / "elsewhere")
    rebuild(made)
    assert not (made / "manifest.jsonl").is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_the_journal_of_a_killed_run_says_what_it_was(made: Path) -> None:
    (made / "manifest.jsonl").unlink()
    journal = made / ".genie/journal.jsonl"
    failed = Row(Job.model_validate({**PLAN[0].model_dump(mode="json"), "seed": 9}), Status.FAILED, reason="no luck")
    journal.write_text(HEADER.line() + failed.line())
    assert len(rebuild(made).unknown) == 2
    with (made / "manifest.jsonl").open() as file:
        said = json.loads(file.readline())
    assert (said["versions"]["torch"], said["settings"]["slots"]) == ("2.7", 8)
    assert failed in make(made)


def test_nothing_is_done_where_nothing_is_wrong(made: Path) -> None:
    before = tree(made)
    with pytest.raises(OutputError, match=r"manifest\.jsonl is whole"):
        rebuild_manifest(made, Observer())
    assert tree(made) == before


def test_nor_without_images_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        rebuild_manifest(tmp_path / "nowhere", Observer())
    (tmp_path / "train/fox").mkdir(parents=True)
    (tmp_path / "train/fox/photo.jpg").write_bytes(b"mine")
    with pytest.raises(OutputError, match="no image that a manifest could be rebuilt from"):
        rebuild_manifest(tmp_path, Observer())


def test_nor_while_a_run_is_at_work(made: Path) -> None:
    with Output(made, HEADER).opened():
        (made / "manifest.jsonl").unlink()
        with pytest.raises(OutputError, match="in use"):
            rebuild_manifest(made, Observer())


def test_txt2img_has_no_source(tmp_path: Path) -> None:
    recipe = Recipe(targets=("fox",), method=Method.TXT2IMG, r=(1.0,), per_target=6, model="sd15@abc")
    before = make(tmp_path, tuple(recipe.jobs([])))
    (tmp_path / "manifest.jsonl").unlink()
    rebuild(tmp_path)
    assert rows(Output(tmp_path, HEADER)) == [row for row in before if row.status is Status.MADE]
