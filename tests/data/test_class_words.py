"""What classes are called in prompts, by rule and by a file that a person edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data import class_names
from genie_cli.data.class_names import ClassNames
from genie_cli.data.class_words import names_of, require_words, wnid_of, words_of
from genie_cli.errors import GenieError, OutputError, UsageError


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("lynx", "lynx"),
        ("golden_retriever", "golden retriever"),
        ("Tomato___Late_blight", "Tomato Late blight"),
        ("n02096294", "Australian terrier"),
        ("n02012849", "crane (bird)"),
        ("n00000001", "n00000001"),  # of another part of ImageNet
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("257.t-shirt", "t-shirt"),
        ("n02085620-Chihuahua", "Chihuahua"),
        ("n02099601_golden_retriever", "golden retriever"),
        ("n02085620-", "n02085620-"),
        ("2023-05-01", "2023-05-01"),
        ("3.5_inch", "3.5 inch"),
        ("001", "001"),
        ("747-400", "747-400"),
        ("___", "___"),
        ("BMW M3 Coupe 2012", "BMW M3 Coupe 2012"),
    ],
)
def test_words(label: str, words: str) -> None:
    assert words_of(label) == words
    assert names_of([label]) == ({} if label == words else {label: words})


def test_wordnet_ids() -> None:
    ids = {
        "n02096294": "n02096294",
        "n02085620-Chihuahua": "n02085620",
        "n00000001": "",
        "n00000001-cat": "",
        "cat": "",
    }
    assert {label: wnid_of(label) for label in ids} == ids


def test_an_id_is_nothing_to_prompt_with() -> None:
    assert require_words("cat") == "cat"
    with pytest.raises(UsageError, match="n00000001 is not a class of ImageNet-1k") as caught:
        require_words("n00000001")
    assert "--write-class-names" in caught.value.hint


def test_a_file_says_what_it_was_told(tmp_path: Path) -> None:
    names = ClassNames({"a,b": 'A "B"', "=1+1": "+2", "é": "e"}, {"a,b": ("one {target}", "two")})
    labels = ["a,b", "=1+1", "é", "golden_retriever", "n00000001"]
    assert class_names.write(tmp_path / "names.csv", labels, names) == 5
    found = class_names.read(tmp_path / "names.csv")
    expected = {**names.words, "golden_retriever": "golden retriever", "n00000001": ""}
    assert (found.words, found.prompts) == (expected, names.prompts)
    assert found.words_of("n00000001") == "n00000001"  # an empty cell says nothing
    assert found.words_of("golden_retriever") == "golden retriever"
    assert found.unused(["a,b", "é"]) == ["=1+1", "golden_retriever", "n00000001"]
    with pytest.raises(OutputError, match="already exists"):
        class_names.write(tmp_path / "names.csv", labels, names)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("label\ncat\n", "its first line must be label,words"),
        ("label,words,words\n", "its first line must be label,words"),
        ("", "its first line must be label,words"),
        ("label,words\ncat,a\ncat,b\n", "line 3: 'cat' is listed twice"),
        ("label,words\n,b\n", "line 2: the label is missing"),
        ("label,words\ncat,a,b,c\n", "line 2 has more cells than the first line"),
        ('label,words\n"cat,a\n', "is a quotation mark left open?"),
    ],
)
def test_files_that_are_none(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(text)
    with pytest.raises(GenieError, match=r"names\.csv") as caught:
        class_names.read(tmp_path / "names.csv")
    assert problem in str(caught.value)


@pytest.mark.parametrize("column", ["prompts", "prompt"])
def test_prompts_are_separated_by_bars(column: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(f"label,words,{column}\ncat,,a {{target}} | b | b|\ndog,,\n")
    assert class_names.read(tmp_path / "names.csv").prompts == {"cat": ("a {target}", "b")}


def test_other_columns_and_blanks_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("\ufeffnote, words ,label\nx, a cat ,cat\n,,dog\n")
    assert class_names.read(tmp_path / "names.csv").words == {"cat": "a cat", "dog": ""}
