"""`genie oracle`: what it says of images that the bundled model made, and the laws of a filter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genie_cli.backbones.digits import backbone
from genie_cli.data.digits.paint import CLASSES
from genie_cli.data.imagenet import wnids
from genie_cli.manifest import Row, Status
from genie_cli.oracle.class_map import resolve
from genie_cli.oracle.judge import AcceptanceRule, Oracle, oracle_for
from genie_cli.oracle.manifests import ManifestImages, read_images
from genie_cli.oracle.verdict import KEPT
from genie_cli.oracle.vocabulary import Vocabulary
from tests.conftest import Genie
from tests.manifests import excerpt
from tests.oracle.judged import parsed, said


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
    assert kept[0.5] >= 0.8
    assert kept[1.0] <= 0.35  # by chance a tenth, or with eight others to compare with, a ninth
    assert 0.3 < sum(left[1.0]) / len(left[1.0]) < 0.7


def test_twice_is_once_and_a_manifest_may_be_annotated_in_place(genie: Genie, made: Path) -> None:
    options = ("--soft-labels", "--consistent-only", "--min-confidence", "0.4", "--out", made)
    assert genie("oracle", made, *options).exit_code == 0
    once = made.read_text()
    assert all("oracle" in row for row in parsed(once)[1:])
    assert genie("oracle", made, *options).exit_code == 0
    assert made.read_text() == once
    assert sorted(path.name for path in made.parent.iterdir()) == [".genie", "README.md", "manifest.jsonl", "train"]


def test_a_pipe_gives_what_files_give(genie: Genie, made: Path, tmp_path: Path) -> None:
    genie("oracle", made, "--out", tmp_path / "judged.jsonl")
    written = (tmp_path / "judged.jsonl").read_text()
    first = genie("oracle", made)
    assert written == first.stdout
    assert genie("oracle", "-", stdin=first.stdout).stdout == written
    assert "36 accepted" in first.stderr
    wrong = sum(columns["verdict"] == "mislabelled" for columns in said(first.stdout))
    assert f"{wrong} of the accepted are mislabelled; --consistent-only rejects these" in first.stderr
    assert "next, " not in first.stderr
    assert "of the accepted" not in genie("oracle", made, "--consistent-only").stderr


def test_generate_goes_on_with_an_annotated_manifest(genie: Genie, made: Path, _made: Path) -> None:  # noqa: PT019
    genie("oracle", made, "--out", made)
    judged = made.read_text()
    again = ("--src-dir", _made / "photos", "--targets", "two,five", "--r", "0.5,1", "--slots", 16, "--steps", 12)
    assert genie("generate", *again, "--out", made.parent).exit_code == 0
    assert said(made.read_text()) == said(judged)


def annotated(source: ManifestImages) -> list[Row]:
    return Oracle(backbone("oracle"), resolve(CLASSES, Vocabulary(CLASSES)), source, AcceptanceRule()).annotate()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_order_of_rows_changes_nothing(_made: Path, data: st.DataObject) -> None:  # noqa: PT019
    source = read_images(_made / "out/manifest.jsonl")
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
    row = read_images(made).rows[0]
    assert row.is_accepted
    assert not Row(row.job, Status.MADE, extra={"oracle": {"accepted": False}}).is_accepted
    assert Row(row.job, Status.MADE, extra={"oracle": {"accepted": True}}).is_accepted


def test_rows_that_were_not_made_pass_through(genie: Genie, made: Path) -> None:
    header, first, second, *_ = made.read_text().splitlines()
    failed = json.loads(second) | {"status": "failed", "reason": "is truncated"}
    del failed["file"], failed["sha256"], failed["slots"]
    made.write_text(excerpt(header, [first, json.dumps(failed)]))
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


def test_the_default_oracle_fits_the_images(made: Path) -> None:
    rows = read_images(made).rows
    assert oracle_for(rows) == "digits"
    real = rows[0].job.model_copy(update={"model": "owner/name@1"})
    assert oracle_for([*rows, Row(real, Status.MADE)]) == "deit_base_patch16_224.fb_in1k"


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


def test_a_manifest_on_a_stream_lies_where_it_is_said(made: Path) -> None:
    source = read_images(made)
    assert source.image(source.made[0]).size == (32, 32)
