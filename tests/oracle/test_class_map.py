"""Labels find their class of the oracle's, both cranes apart; a person can look at the map and change it."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.data.digits.paint import CLASSES
from genie_cli.data.imagenet import distinct_names, wnids
from genie_cli.errors import OutputError, UsageError
from genie_cli.jobs import Job, Method, Source
from genie_cli.oracle.candidates import CandidateClasses, Candidates
from genie_cli.oracle.class_map import read, resolve, write
from genie_cli.oracle.vocabulary import Vocabulary
from tests.damage import damaged, only_our_errors

IMAGENET = Vocabulary(wnids())
DIGITS = Vocabulary(CLASSES)
BIRD, MACHINE = 134, 517


@pytest.mark.parametrize(
    ("label", "index"),
    [
        ("n02012849", BIRD),
        ("n03126707", MACHINE),
        ("crane (bird)", BIRD),
        ("Crane_(machine)", MACHINE),
        ("tench", 0),
        ("TINCA_tinca", 0),
        ("n02085620-Chihuahua", wnids().index("n02085620")),
        ("001.Goldfinch", wnids().index("n01531178")),
        ("harp", wnids().index("n03495258")),  # also a word for the harmonica, but not its name
    ],
)
def test_a_label_that_is_clear(label: str, index: int) -> None:
    assert resolve([label], IMAGENET).known == {label: index}


def test_every_name_that_genie_gives_finds_its_class() -> None:
    names = distinct_names(wnids())
    assert resolve(names.values(), IMAGENET).known == {name: wnids().index(wnid) for wnid, name in names.items()}


def test_a_crane_is_not_guessed_and_both_are_described() -> None:
    classes = resolve(["crane", "tench"], IMAGENET)
    assert classes.known == {"tench": 0}
    with pytest.raises(UsageError) as error:
        classes.require({"crane", "tench"})
    assert "1 of 2" in str(error.value)
    for said in ("'crane': is ambiguous", "n02012849 (crane: large long-necked", "n03126707 (crane: lifts"):
        assert said in str(error.value)
    assert "--write-class-map" in error.value.hint


def test_every_unknown_class_is_named_with_what_is_near() -> None:
    classes = resolve(["sevn", "lynx", "one"], DIGITS)
    with pytest.raises(UsageError, match=r"2 of 3(.|\n)*'lynx': is unknown(.|\n)*'sevn': is unknown; similar: seven"):
        classes.require({"sevn", "lynx", "one"})
    classes.require({"one"})


def test_a_wordnet_id_that_the_oracle_lacks_is_unknown_to_it() -> None:
    assert resolve(["n02012849"], DIGITS).known == {}


@pytest.mark.parametrize("said", ["n03126707", "517", "crane (machine)"])
def test_the_persons_map_comes_first(said: str) -> None:
    assert resolve(["crane", "tench"], IMAGENET, {"crane": said, "elsewhere": "nothing"}).known["crane"] == MACHINE


def test_an_empty_class_says_that_there_is_none() -> None:
    classes = resolve(["one"], DIGITS, {"one": ""})
    assert classes.known == {}
    with pytest.raises(UsageError, match="the map gives it no class"):
        classes.require({"one"})


def test_a_map_that_names_what_is_not_there_is_refused_with_all_its_mistakes() -> None:
    with pytest.raises(
        UsageError, match=r"'a': 'crane' is ambiguous(.|\n)*'b': 'tentch' is unknown; similar: n01440764"
    ):
        resolve(["a", "b"], IMAGENET, {"a": "crane", "b": "tentch"})


def test_an_oracle_that_calls_two_classes_alike_is_told_apart_by_index(tmp_path: Path) -> None:
    alike = Vocabulary(("crane", "dog", "crane"))
    assert resolve(["crane"], alike).known == {}
    classes = resolve(["crane"], alike, {"crane": "2"})
    assert classes.known == {"crane": 2}
    write(tmp_path / "map.csv", classes)
    assert resolve(["crane"], alike, read(tmp_path / "map.csv")) == classes


def test_a_label_spelled_like_another_class_does_not_swallow_it() -> None:
    classes = resolve(["one", "uno"], DIGITS, {"one": "two", "uno": "two"})
    assert classes.name(2) == "one"
    assert classes.name(2, prefer=["uno"]) == "uno"
    assert classes.name(1) == "oracle's one"
    assert classes.name(3) == "three"


def test_nor_does_one_that_means_nothing() -> None:
    assert resolve(["one", "two"], DIGITS, {"one": ""}).name(1) == "oracle's one"


def test_a_class_that_is_an_absurd_number_is_unknown() -> None:
    with pytest.raises(UsageError, match="is unknown"):
        resolve(["a"], DIGITS, {"a": "9" * 5000})


def test_accents_may_be_written_either_way() -> None:
    assert resolve(["caf\u00e9"], Vocabulary(("tea", "cafe\u0301"))).known == {"caf\u00e9": 1}
    assert resolve(["caf\u00e9"], DIGITS, {"cafe\u0301": "one"}).known == {"caf\u00e9": 1}


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.text(
    "=+-@'\",;\t\r\n\0 a", min_size=1, max_size=8
)


@given(st.dictionaries(LABELS, st.sampled_from((*CLASSES, "")), min_size=1, max_size=5))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, own: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("map") / "map.csv"
    classes = resolve(own, DIGITS, own)
    write(path, classes)
    assert resolve(own, DIGITS, read(path)).known == classes.known


@given(st.lists(LABELS, min_size=1, max_size=5, unique=True), st.lists(LABELS, min_size=1, max_size=5, unique=True))
def test_no_cell_is_a_formula(tmp_path_factory: pytest.TempPathFactory, labels: list[str], classes: list[str]) -> None:
    path = tmp_path_factory.mktemp("map") / "map.csv"
    write(path, resolve([*labels, *classes], Vocabulary(tuple(classes))))
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n"))]


def test_the_written_map_shows_what_it_found_and_what_it_did_not(tmp_path: Path) -> None:
    write(tmp_path / "map.csv", resolve(["tench", "crane", "n02012849"], IMAGENET))
    lines = (tmp_path / "map.csv").read_text().splitlines()
    assert lines[0] == "label,class,note"
    assert lines[1].startswith('crane,,"is ambiguous: n02012849 (')
    assert lines[2].startswith("n02012849,n02012849,crane: large")
    assert lines[3].startswith('tench,n01440764,"tench, Tinca tinca: ')


def test_a_map_edited_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("mine")
    with pytest.raises(OutputError, match="already exists"):
        write(tmp_path / "map.csv", resolve(["one"], DIGITS))
    assert (tmp_path / "map.csv").read_text() == "mine"
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / "no/map.csv", resolve(["one"], DIGITS))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "first line must be label,class"),
        (b"name,id\none,1\n", "first line must be label,class"),
        (b"label,class\none,1\none,2\n", "line 3: 'one' is listed twice"),
        (b"label,class\n,2\n", "line 2: the label is missing"),
        (b"label,class\n\xff,2\n", "is not a CSV file: it is not UTF-8 text"),
        (b'label,class\n"one,2\n', "is not a CSV file: line 2: unexpected end of data; is a quotation mark left"),
        (b"label,class,class\none,1,2\n", "first line must be label,class"),
        (b"label,class\nsnow leopard, big,lynx\n", "line 2 has more cells than the first line"),
    ],
)
def test_a_file_that_is_no_map(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "map.csv").write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read(tmp_path / "map.csv")


@given(data=damaged(b'\xef\xbb\xbflabel,class,note\r\n"a, b",one,"x\ny"\r\n\'=c,,\r\n'))
def test_a_damaged_map(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(data)
    only_our_errors(lambda: resolve(["a, b", "=c"], DIGITS, read(path)))


def test_a_map_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "map.csv")
    with pytest.raises(UsageError, match="cannot be read: it is a named pipe"):
        read(tmp_path / "map.csv")
    with pytest.raises(UsageError, match="cannot be read: it is a folder, not a file"):
        read(tmp_path)
    with pytest.raises(OutputError, match="already exists"):
        write(tmp_path / "map.csv", resolve(["one"], DIGITS))


def test_a_map_out_of_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_bytes(b"\xef\xbb\xbfclass,label\r\n two ,uno\r\n,due\r\n")
    assert read(tmp_path / "map.csv") == {"uno": "two", "due": ""}
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "nowhere.csv")


def job(target: str, source: str | None = None) -> Job:
    real = Source(path="a.png", sha256="0" * 64, label=source) if source else None
    method = Method.GENIE if source else Method.TXT2IMG
    return Job(source=real, target=target, prompt=target, method=method, r=1, model="digits@1")


def test_the_choices() -> None:
    jobs = [job("nine", "one"), job("two", "nine")]
    classes = resolve(CLASSES, DIGITS)
    assert CandidateClasses(Candidates.ALL, classes, jobs).of(jobs[0]) == list(range(10))
    assert CandidateClasses(Candidates.PAIR, classes, jobs).of(jobs[0]) == [1, 9]
    assert CandidateClasses(Candidates.EPISODE, classes, jobs).of(jobs[0]) == [2, 9]


def test_a_choice_of_one_class_is_none() -> None:
    classes = resolve(CLASSES, DIGITS)
    with pytest.raises(UsageError, match="only one class"):
        CandidateClasses(Candidates.EPISODE, classes, [job("nine", "one")])
    with pytest.raises(UsageError, match="only one class"):
        CandidateClasses(Candidates.PAIR, classes, [job("nine", "nine")])
    with pytest.raises(UsageError, match="images without a source"):
        CandidateClasses(Candidates.PAIR, classes, [job("nine")])
    with pytest.raises(UsageError, match="'cat'"):
        CandidateClasses(Candidates.PAIR, resolve(["nine", "cat"], DIGITS), [job("nine", "cat")])
