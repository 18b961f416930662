"""Values that a plan or manifest cannot have are refused, line by line, and never taken for something else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli import manifest
from genie_cli.errors import ManifestError
from tests.damage import damaged
from tests.manifests import HEADER, a_row, document, edited

JUDGED = a_row(extra={"oracle": {"oracle": "digits", "accepted": True}, "select": {"selected": True, "reason": ""}})


@pytest.mark.parametrize("schema", ["2", "1", -1, 0, True, 1.0, None, [], 1e300])
def test_a_schema_is_a_number_that_is_known(schema: Any) -> None:
    line = json.dumps({**json.loads(HEADER.line()), "schema": schema})
    with pytest.raises(ManifestError, match=r"line 1: .*schema"):
        document(line + "\n")


@pytest.mark.parametrize(
    "change",
    [
        {"rows": "3"},
        {"rows": -1},
        {"rows": True},
        {"source_root": 3},
        {"root": ["a"]},
        {"versions": {"torch": 2.7}},
        {"settings": {"steps": "50"}},
        {"settings": {"steps": True}},
        {"settings": {"steps": 0}},
        {"settings": {"guidance": "7.5"}},
        {"settings": {"slots": 8.0}},
        {"settings": {"model": 3}},
        {"settings": []},
    ],
)
def test_values_of_a_header(change: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="line 1: "):
        document(json.dumps({**json.loads(HEADER.line()), **change}) + "\n")


@pytest.mark.parametrize(
    "change",
    [
        {"r": "0.8"},
        {"r": True},
        {"replicate": "0"},
        {"replicate": 1.0},
        {"replicate": True},
        {"seed": "0"},
        {"seed": None},
        {"target": 3},
        {"prompt": None},
        {"model": 1},
        {"status": True},
        {"sha256": "0" * 63},
        {"sha256": 5},
        {"slots": "8"},
        {"slots": True},
        {"slots": 8.0},
        {"reason": 3},
        {"source": {"path": "a.png", "sha256": "0" * 64, "label": 3}},
    ],
)
def test_values_of_a_row(change: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match=f"line 2: {next(iter(change))}"):
        list(document(HEADER.line() + edited(a_row(), **change)).rows())


@pytest.mark.parametrize(
    "judgement",
    [
        "digits",
        [],
        {"accepted": "false"},
        {"accepted": 0},
        {"accepted": None},
        {"consistent": "yes"},
        {"target_probability": -0.1},
        {"target_probability": 1.1},
        {"target_probability": "0.5"},
        {"target_probability": True},
        {"source_probability": 1e308},
        {"margin": -2},
        {"source_similarity": 2},
        {"soft_label": {"fox": -1}},
        {"soft_label": {"fox": 1e308}},
        {"soft_label": {"fox": True}},
        {"soft_label": {"fox": None}},
        {"soft_label": {"fox": "1"}},
        {"soft_label": [1.0]},
        {"top": 3},
        {"verdict": False},
    ],
)
def test_values_of_a_judgement(judgement: Any) -> None:
    """A rejected image that counts as accepted, since its column is misspelled, would be a wrong result in silence."""
    with pytest.raises(ManifestError, match=r"line 2: oracle"):
        list(document(HEADER.line() + edited(a_row(), oracle=judgement)).rows())


@pytest.mark.parametrize(
    "selection",
    [
        "yes",
        [],
        {},
        {"reason": "by hand"},
        {"selected": "false"},
        {"selected": 0},
        {"selected": None},
        {"selected": True, "reason": 3},
        {"selected": True, "reason": None},
    ],
)
def test_values_of_a_selection(selection: Any) -> None:
    with pytest.raises(ManifestError, match=r"line 2: select"):
        list(document(HEADER.line() + edited(a_row(), select=selection)).rows())


@pytest.mark.parametrize(
    ("oracle", "select", "accepted"),
    [
        (None, None, True),
        (None, {"selected": True}, True),
        (None, {"selected": False}, False),
        ({"accepted": True}, {"selected": True}, True),
        ({"accepted": True}, {"selected": False}, False),
        ({"accepted": False}, {"selected": True}, False),
        ({"accepted": False}, None, False),
    ],
)
def test_an_image_is_used_if_neither_the_oracle_nor_a_selection_is_against_it(
    oracle: Any, select: Any, accepted: bool
) -> None:
    (row,) = document(HEADER.line() + edited(a_row(), oracle=oracle, select=select)).rows()
    assert row.is_accepted == accepted


def test_what_another_program_selected_is_kept() -> None:
    said = {"selected": False, "by": "hand"}
    (row,) = document(HEADER.line() + edited(a_row(), select=said)).rows()
    assert json.loads(row.line())["select"] == said


def test_what_another_program_says_of_an_image_is_kept() -> None:
    said = {"accepted": False, "by": "hand", "soft_label": {"fox": 0.75, "cat": 0.25}}
    (row,) = document(HEADER.line() + edited(a_row(), oracle=said)).rows()
    assert not row.is_accepted
    assert row.judgement is not None
    assert row.judgement.soft_label == {"fox": 0.75, "cat": 0.25}
    assert json.loads(row.line())["oracle"] == said


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_json_does_not_have(number: str) -> None:
    line = edited(a_row(), score=0).replace('"score": 0', f'"score": {number}')
    with pytest.raises(ManifestError, match="line 2: is not JSON"):
        list(document(HEADER.line() + line).rows())


WHOLE = "".join(manifest.lines_of(HEADER, [a_row().line(), JUDGED.line()], 2)).encode()


@settings(deadline=None, max_examples=300)
@given(damaged(WHOLE))
def test_a_damaged_file_is_refused_or_says_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "manifest.jsonl"
    path.write_bytes(content)
    with suppress(ManifestError), manifest.opened(path) as read:
        for row in read.rows():
            row.line()


@given(st.binary(max_size=200))
def test_whatever_it_is(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(ManifestError), manifest.opened(path) as read:
        list(read.rows())
