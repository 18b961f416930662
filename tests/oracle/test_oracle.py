"""`genie oracle`: what it says of images that the bundled model made, and the laws of a filter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.digits import backbone
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.data.imagenet import wnids
from genie_cli.errors import ModelError, OutputError
from genie_cli.manifest import Row, Status
from genie_cli.oracle.class_map import resolve
from genie_cli.oracle.judge import AcceptanceRule, Oracle, oracle_for
from genie_cli.oracle.judgement import is_accepted
from genie_cli.oracle.manifests import ManifestImages, read_images, require_writable, save
from genie_cli.oracle.verdict import KEPT, Verdict, can_measure, early_features
from genie_cli.oracle.vocabulary import Vocabulary
from tests.conftest import Genie

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two digits from every other digit, at r = 0.5 and from pure noise."""
    from typer.testing import CliRunner

    from genie_cli.cli.app import app

    root = tmp_path_factory.mktemp("oracle")
    DigitsInTheWild("test").save(root / "photos", per_class=1)
    words = f"generate --model digits --steps 12 --slots 16 --src-dir {root / 'photos'} --targets two,five"
    done = CliRunner().invoke(app, [*words.split(), "--r", "0.5,1", "--out", str(root / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    return root


@pytest.fixture
def made(_made: Path, tmp_path: Path) -> Path:
    """A manifest of its own, in a folder with its images; the sources are shared and only read."""
    return Path(shutil.copytree(_made / "out", tmp_path / "out")) / "manifest.jsonl"


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def said(text: str) -> Lines:
    """The columns of the rows, below the header."""
    return [row["oracle"] for row in parsed(text)[1:]]


def test_each_image_is_judged(genie: Genie, made: Path) -> None:
    result = genie("oracle", made)
    assert result.exit_code == 0
    header, *rows = parsed(result.stdout)
    assert header["root"] == str(made.parent.resolve())
    assert "oracle: digits-oracle@" in result.stderr
    before = parsed(made.read_text())[1:]
    assert [{key: row[key] for key in row if key != "oracle"} for row in rows] == before
    for row in rows:
        columns = row["oracle"]
        assert 0 <= columns["target_probability"] <= 1
        assert columns["consistent"] == (columns["top"] == row["target"]) == (columns["margin"] > 0)
        assert columns["accepted"] is True
        assert "soft_label" not in columns
    clear = [row["oracle"] for row in rows if row["r"] == 1.0]
    assert sum(columns["consistent"] for columns in clear) >= 0.8 * len(clear)


def test_what_is_left_of_the_source_fades_with_r(genie: Genie, made: Path) -> None:
    left: dict[float, list[float]] = {0.5: [], 1.0: []}
    for row in parsed(genie("oracle", made).stdout)[1:]:
        left[row["r"]].append(row["oracle"]["source_similarity"])
    kept = {r: sum(share >= KEPT for share in shares) / len(shares) for r, shares in left.items()}
    assert kept[0.5] >= 0.95
    assert kept[1.0] <= 0.35  # by chance a tenth, or with eight others to compare with, a ninth
    assert 0.3 < sum(left[1.0]) / len(left[1.0]) < 0.7


@pytest.mark.parametrize(
    ("consistent", "left", "verdict"),
    [
        (True, 1.0, "hard negative"),
        (True, KEPT, "hard negative"),
        (True, 0.5, "easy (source lost)"),
        (True, None, "correctly labelled"),
        (False, 1.0, "mislabelled"),
        (False, None, "mislabelled"),
    ],
)
def test_the_verdicts(consistent: bool, left: float | None, verdict: str) -> None:
    assert Verdict.of(consistent, left).value == verdict


def test_twice_is_once_and_a_manifest_may_be_annotated_in_place(genie: Genie, made: Path) -> None:
    options = ("--soft-labels", "--consistent-only", "--min-confidence", "0.4", "--out", made)
    assert genie("oracle", made, *options).exit_code == 0
    once = made.read_text()
    assert all("oracle" in row for row in parsed(once)[1:])
    assert genie("oracle", made, *options).exit_code == 0
    assert made.read_text() == once
    assert sorted(path.name for path in made.parent.iterdir()) == [".genie", "manifest.jsonl", "train"]


def test_a_pipe_gives_what_files_give(genie: Genie, made: Path, tmp_path: Path) -> None:
    genie("oracle", made, "--out", tmp_path / "judged.jsonl")
    written = (tmp_path / "judged.jsonl").read_text()
    first = genie("oracle", made)
    assert written == first.stdout
    assert genie("oracle", "-", stdin=first.stdout).stdout == written
    assert "36 accepted" in first.stderr


def test_generate_goes_on_with_an_annotated_manifest(genie: Genie, made: Path, _made: Path) -> None:  # noqa: PT019
    genie("oracle", made, "--out", made)
    judged = made.read_text()
    again = ("--src-dir", _made / "photos", "--targets", "two,five", "--r", "0.5,1", "--slots", 16, "--steps", 12)
    assert genie("generate", *again, "--out", made.parent).exit_code == 0
    assert said(made.read_text()) == said(judged)


def opened_at(path: Path) -> ManifestImages:
    return read_images(path)


def annotated(source: ManifestImages) -> list[Row]:
    return Oracle(backbone("oracle"), resolve(CLASSES, Vocabulary(CLASSES)), source, AcceptanceRule()).annotate()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_order_of_rows_changes_nothing(_made: Path, data: st.DataObject) -> None:  # noqa: PT019
    source = opened_at(_made / "out/manifest.jsonl")
    order = data.draw(st.permutations(range(len(source.rows))))
    permuted = ManifestImages("", source.header, tuple(source.rows[i] for i in order), source.root, source.source_root)
    straight = annotated(source)
    assert annotated(permuted) == [straight[i] for i in order]


def test_candidates_decide_what_probability_is_shared(genie: Genie, made: Path) -> None:
    pair = said(genie("oracle", made, "--candidates", "target,source").stdout)
    for columns in pair:
        assert columns["target_probability"] + columns["source_probability"] == pytest.approx(1, abs=1e-5)
        assert columns["margin"] == pytest.approx(columns["target_probability"] * 2 - 1, abs=1e-5)
    episode = said(genie("oracle", made, "--candidates", "episode").stdout)
    assert {columns["top"] for columns in episode} == {"two", "five"}
    everything = said(genie("oracle", made).stdout)
    for narrow, wide in zip(episode, everything, strict=True):
        assert narrow["target_probability"] >= wide["target_probability"]
        assert narrow["candidates"] == "episode"


def test_soft_labels_are_a_distribution_in_the_manifests_words(genie: Genie, made: Path, tmp_path: Path) -> None:
    for columns in said(genie("oracle", made, "--soft-labels").stdout):
        shares = columns["soft_label"]
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=lambda name: shares[name]) == columns["top"]
    text = made.read_text().replace('"label": "one"', '"label": "uno"')
    made.write_text(text)
    (tmp_path / "map.csv").write_text("label,class\nuno,one\n")
    renamed = said(genie("oracle", made, "--soft-labels", "--class-map", "map.csv").stdout)
    assert any("uno" in columns["soft_label"] for columns in renamed)
    assert not any("one" in columns["soft_label"] for columns in renamed)


def test_what_is_not_accepted_is_marked_or_dropped(genie: Genie, made: Path) -> None:
    marked = genie("oracle", made, "--consistent-only", "--min-confidence", "0.9")
    rows = parsed(marked.stdout)[1:]
    good = [row["id"] for row in rows if row["oracle"]["consistent"] and row["oracle"]["target_probability"] >= 0.9]
    assert 0 < len(good) < len(rows) == 36
    assert [row["id"] for row in rows if row["oracle"]["accepted"]] == good
    assert f"{len(good)} accepted, {36 - len(good)} rejected" in marked.stderr
    dropped = genie("oracle", made, "--consistent-only", "--min-confidence", "0.9", "--drop")
    assert [row["id"] for row in parsed(dropped.stdout)[1:]] == good
    assert f"{len(good)} accepted, {36 - len(good)} dropped" in dropped.stderr


def test_a_row_is_accepted_until_an_oracle_says_no(made: Path) -> None:
    row = opened_at(made).rows[0]
    assert is_accepted(row)
    assert not is_accepted(Row(row.job, Status.MADE, extra={"oracle": {"accepted": False}}))
    assert is_accepted(Row(row.job, Status.MADE, extra={"oracle": {"accepted": True}}))


def test_rows_that_were_not_made_pass_through(genie: Genie, made: Path) -> None:
    header, first, second, *_ = made.read_text().splitlines()
    failed = json.loads(second) | {"status": "failed", "reason": "is truncated"}
    del failed["file"], failed["sha256"], failed["slots"]
    made.write_text("\n".join([header, first, json.dumps(failed)]) + "\n")
    _, *rows = parsed(genie("oracle", made, "--min-confidence", "1", "--drop").stdout)
    assert [row["status"] for row in rows] == ["failed"]
    assert rows[0] == failed


def test_an_image_without_a_source_is_right_or_wrong(genie: Genie) -> None:
    generated = genie("generate", "--method", "txt2img", "--targets", "two,five", "--per-target", 2, "--out", "t")
    for columns in said(genie("oracle", "-", stdin=generated.stdout).stdout):
        assert columns["source_probability"] is columns["source_similarity"] is None
        assert columns["verdict"] in ("correctly labelled", "mislabelled")
    refused = genie("oracle", "-", "--candidates", "target,source", stdin=generated.stdout)
    assert refused.exit_code == 2
    assert "images without a source" in refused.stderr


def test_sources_that_have_moved_are_said(genie: Genie, made: Path, _made: Path) -> None:  # noqa: PT019
    made.write_text(made.read_text().replace(str(_made / "photos"), "/nowhere/photos"))
    result = genie("oracle", made)
    assert result.exit_code == 0
    assert "not measured: the folder of the sources, /nowhere/photos, is not there" in " ".join(result.stderr.split())
    assert {columns["verdict"] for columns in said(result.stdout)} <= {"correctly labelled", "mislabelled"}


def test_a_missing_or_changed_image_is_named_and_nothing_written(genie: Genie, made: Path) -> None:
    image = made.parent / parsed(made.read_text())[1]["file"]
    before = made.read_bytes()
    image.write_bytes(image.read_bytes() + b"x")
    result = genie("oracle", made, "--out", made)
    assert result.exit_code == 1
    assert f"{image.name}: has changed" in result.stderr
    image.unlink()
    result = genie("oracle", made, "--out", made)
    assert f"{image.name}: cannot be read" in result.stderr
    assert not result.stdout
    assert made.read_bytes() == before


def test_a_source_that_was_broken_from_the_start_spoils_its_own_jobs_only(
    genie: Genie, photos: Path, tmp_path: Path
) -> None:
    (photos / "one/test-00001.png").write_bytes(b"\x89PNG cut off")
    assert genie("generate", "--src-dir", photos, "--targets", "two", "--out", "out").exit_code == 3
    result = genie("oracle", tmp_path / "out/manifest.jsonl")
    assert result.exit_code == 0, result.stderr
    rows = parsed(result.stdout)[1:]
    assert [row["source"]["label"] for row in rows if row["status"] == "failed"] == ["one"]
    assert all(row["oracle"]["source_similarity"] is not None for row in rows if row["status"] == "made")


def test_too_few_sources_are_said(genie: Genie, made: Path) -> None:
    header, *rows = made.read_text().splitlines()
    few = [row for row in rows if json.loads(row)["source"]["label"] in ("zero", "one")]
    made.write_text("\n".join([header, *few]) + "\n")
    result = genie("oracle", made)
    assert "source similarity is not measured: there are fewer than three" in result.stderr
    assert {columns["source_similarity"] for columns in said(result.stdout)} == {None}


def test_rows_that_another_command_wrote_meanwhile_are_not_lost(genie: Genie, made: Path) -> None:
    before = require_writable(made)
    content = made.read_text()
    made.write_text(content.splitlines()[0] + "\n")
    with pytest.raises(OutputError, match="has changed meanwhile"):
        save(made, [content], before)
    assert made.read_text() == content.splitlines()[0] + "\n"
    save(made, [content], require_writable(made))
    assert made.read_text() == content


def test_a_changed_source_is_named(genie: Genie, made: Path, _made: Path, tmp_path: Path) -> None:  # noqa: PT019
    photos = shutil.copytree(_made / "photos", tmp_path / "photos")
    (photos / "one/test-00001.png").write_bytes(b"other")
    made.write_text(made.read_text().replace(str(_made / "photos"), str(photos)))
    result = genie("oracle", made)
    assert result.exit_code == 1
    assert "test-00001.png: has changed" in result.stderr


def test_only_a_manifest_is_overwritten(genie: Genie, made: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = genie("oracle", made, "--out", "notes.txt")
    assert result.exit_code == 1
    assert "is not a manifest of genie" in result.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert genie("oracle", made, "--out", "no/where.jsonl").exit_code == 1
    plan = genie("generate", "--src-dir", photos, "--targets", "two", "--dry-run").stdout
    (tmp_path / "plan.jsonl").write_text(plan)
    assert genie("oracle", made, "--out", "plan.jsonl").exit_code == 1
    assert (tmp_path / "plan.jsonl").read_text() == plan != ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--drop"], "--drop: everything is accepted"),
        (["--json", "--out", "x.jsonl"], "--out does not go with --json"),
        (["--write-class-map", "m.csv", "--out", "x.jsonl"], "--out: not used with --write-class-map"),
        (["--write-class-map", "m.csv", "--candidates", "episode", "--json"], "--candidates, --json: not used with"),
        (["--oracle", "no-such-model"], "no-such-model"),
        (["--min-confidence", "2"], "min-confidence"),
        (["--class-map", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, made: Path, words: list[str], reason: str) -> None:
    result = genie("oracle", made, *words)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_input_that_is_no_manifest(genie: Genie, made: Path) -> None:
    assert "is empty" in genie("oracle", "-", stdin="").stderr
    assert "cannot be read" in genie("oracle", "nowhere.jsonl").stderr
    result = genie("oracle", "-", stdin=made.read_text().splitlines()[0] + "\n")
    assert result.exit_code == 1
    assert "no image that was made" in result.stderr


def test_an_unknown_target_ends_in_a_map_and_an_unknown_source_in_a_word(
    genie: Genie, made: Path, tmp_path: Path
) -> None:
    text = made.read_text().replace('"label": "one"', '"label": "cat"')
    header, *rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        row["target"] = row["target"].replace("five", "fiv")
        del row["id"]
    made.write_text("".join(json.dumps(line) + "\n" for line in (header, *rows)))
    result = genie("oracle", made)
    assert result.exit_code == 2
    assert "1 of 2 labels" in result.stderr
    assert "'fiv': is unknown; similar: five" in result.stderr
    result = genie("oracle", made, "--write-class-map", "map.csv")
    assert result.exit_code == 0
    assert not result.stdout
    assert "2 without a class" in result.stderr
    edited = (tmp_path / "map.csv").read_text().replace("fiv,,", "fiv,five,")
    (tmp_path / "map.csv").write_text(edited)
    result = genie("oracle", made, "--class-map", "map.csv")
    assert result.exit_code == 0
    assert "source classes without a probability: 'cat': the map gives it no class" in result.stderr
    of_cats = [row["oracle"] for row in parsed(result.stdout)[1:] if row["source"]["label"] == "cat"]
    assert of_cats
    assert {columns["source_probability"] for columns in of_cats} == {None}
    refused = genie("oracle", made, "--class-map", "map.csv", "--candidates", "target,source")
    assert refused.exit_code == 2
    assert "'cat'" in refused.stderr


def test_the_default_oracle_fits_the_images(made: Path) -> None:
    rows = opened_at(made).rows
    assert oracle_for(rows) == "digits"
    real = rows[0].job.model_copy(update={"model": "owner/name@1"})
    assert oracle_for([*rows, Row(real, Status.MADE)]) == "deit_base_patch16_224.fb_in1k"


def test_an_oracle_that_gives_no_numbers(made: Path) -> None:
    broken = backbone("oracle")
    broken.network[-1].bias.data.fill_(torch.nan)  # type: ignore[index,union-attr,operator]
    with pytest.raises(ModelError, match="is not finite"):
        Oracle(broken, resolve(CLASSES, Vocabulary(CLASSES)), opened_at(made), AcceptanceRule()).annotate()


@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mobilenetv3_small_050", "convnext_atto"])
def test_timms_models_show_early_features_that_know_a_picture_again(name: str) -> None:
    torch.manual_seed(0)
    preprocess = Preprocess(resize=224, size=224)
    network = timm.create_model(name, pretrained=False).eval()
    pictures = [Image.fromarray(DigitsInTheWild("test")[i].image) for i in range(4)]
    seen = Backbone("random@0", network, preprocess)
    assert can_measure(seen)
    features = early_features(seen, torch.stack([preprocess.center_crop(picture) for picture in pictures]))
    assert features.shape[0] == 4
    assert features.shape[1] % 16 == 0
    soft = [picture.resize((16, 16)).resize((32, 32)) for picture in pictures]
    blurred = early_features(seen, torch.stack([preprocess.center_crop(picture) for picture in soft]))
    mean = features.mean(axis=0)
    likeness = (blurred - mean) @ (features - mean).T
    assert likeness.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_classifier_of_imagenet_from_a_file(genie: Genie, made: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(
        {"model": timm.create_model("mobilenetv3_small_050", pretrained=False).state_dict()}, tmp_path / "weights.pth"
    )
    (tmp_path / "map.csv").write_text("label,class\ntwo,n02012849\nfive,517\none,tench\n")
    words = ("--oracle", "mobilenetv3_small_050", "--checkpoint", "weights.pth", "--class-map", "map.csv")
    result = genie("oracle", made, *words)
    assert result.exit_code == 0, result.stderr
    assert "oracle: mobilenetv3_small_050@" in result.stderr
    assert "1000 classes" in result.stderr
    for row in parsed(result.stdout)[1:]:
        columns = row["oracle"]
        assert columns["top"] in ("one", "two", "five") or columns["top"] in wnids()
        assert columns["source_similarity"] is not None
        assert (columns["source_probability"] is not None) == (row["source"]["label"] in ("one", "two", "five"))
    pair = genie("oracle", made, *words, "--candidates", "target,source")
    assert pair.exit_code == 2
    assert "'eight'" in pair.stderr


def test_a_network_that_shows_nothing_inside() -> None:
    class Closed(nn.Module):
        pass

    assert not can_measure(Backbone("closed@0", Closed(), Preprocess(32, 32)))


def test_a_manifest_on_a_stream_lies_where_it_is_said(made: Path) -> None:
    source = read_images(made)
    assert source.image(source.made[0]).size == (32, 32)
