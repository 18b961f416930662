"""Figures for a paper."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from genie_cli.errors import OutputError, UsageError
from genie_cli.gallery import items
from genie_cli.gallery.figures import projections
from genie_cli.gallery.figures.choosing import sweeps
from genie_cli.gallery.figures.collect import Asked
from genie_cli.gallery.items import Contents
from genie_cli.gallery.plots import draw as drawing
from genie_cli.gallery.plots import grid, sweep
from genie_cli.gallery.plots.kind import Kind
from genie_cli.gallery.plots.names import fitted, wrapped
from genie_cli.gallery.plots.scatter import marks, named
from genie_cli.jobs import Method
from genie_cli.manifest import Row
from genie_cli.observer import Observer
from tests.conftest import Genie
from tests.export import runs
from tests.gallery import drawn
from tests.manifests import a_job, a_row

HOSTILE = ("$\\frac{1}$ <b>&", "_狐狸 🦊\n\x1b[2J", "x" * 300)
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(autouse=True)
def _only_pca(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(projections, "has_umap", lambda: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return items.read(drawn.run(tmp_path_factory.mktemp("run"), ["one", "two", "five"]))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return items.read(drawn.run(tmp_path_factory.mktemp("run"), HOSTILE, HOSTILE))


class Said(Observer):
    def __init__(self) -> None:
        self.words: list[str] = []

    def found(self, message: str) -> None:
        self.words.append(message)

    def warning(self, message: str) -> None:
        self.words.append(message)


def draw(contents: Contents, kind: Kind, out: Path, asked: Asked | None = None) -> list[str]:
    said = Said()
    drawing.draw(contents, kind, out, asked or Asked(), said)
    return said.words


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [*((kind, ".png") for kind in Kind), (Kind.GRID, ".svg"), (Kind.MAP, ".svg"), (Kind.GRID, ".pdf")],
)
def test_the_same_bytes_again_in_place_of_its_own(made: Contents, kind: Kind, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"figure{suffix}"
    draw(made, kind, out)
    first = out.read_bytes()
    draw(made, kind, out)
    assert out.read_bytes() == first
    assert first.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    if suffix == ".png":
        with Image.open(out) as picture:
            width, height = picture.size
        assert width <= 7.01 * 300
        assert height <= 9 * 300


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_another_file_is_never_overwritten(made: Contents, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"mine{suffix}"
    if suffix == ".png":
        Image.new("RGB", (8, 8)).save(out)
    else:
        out.write_bytes(b"%PDF mine" if suffix == ".pdf" else b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    before = out.read_bytes()
    with pytest.raises(OutputError, match="not a figure that genie drew"):
        draw(made, Kind.GRID, out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("kind", Kind)
def test_names_from_outside_are_only_drawn(hostile: Contents, kind: Kind, tmp_path: Path) -> None:
    said = draw(hostile, kind, tmp_path / "figure.svg")
    root = ET.parse(tmp_path / "figure.svg").getroot()  # still XML
    assert not list(root.iter(TEXT))  # outlines, in any program the same
    assert any("characters that the font" in word for word in said)
    draw(hostile, kind, tmp_path / "figure.pdf")


def test_names_are_on_one_line_and_as_short_as_their_room() -> None:
    assert fitted("fox", 1) == "fox"
    assert fitted("a\nb\x1b\tc", 1) == "a b c"
    assert fitted("w" * 99, 0.5).endswith("w…")
    assert len(fitted("w" * 99, 0.5)) < len(fitted("w" * 99, 1)) < 20
    assert fitted("_hidden", 1) == " _hidden"


@pytest.mark.parametrize("count", [1, 24, 25, 60])
def test_no_mark_in_the_map_is_without_its_entry_in_the_legend(count: int) -> None:
    look = marks([f"class {place}" for place in range(count)])
    entries = named(look)
    assert {*look.values()} == {mark for _, mark in entries}
    assert len({mark for _, mark in entries}) == len(entries)
    assert [name for name, _ in entries][:24] == [*look][:24]


def test_longer_names_are_parted_between_words_and_nothing_is_left_out_before_the_end() -> None:
    name = "a grey-backed long-eared bat\nof the caves"
    assert wrapped("fox", 1, 3) == "fox"
    assert wrapped(name, 9, 3) == " ".join(name.split())
    for most in (1, 2, 3):
        lines = wrapped(name, 0.9, most).split("\n")
        assert len(lines) == most
        assert " ".join(name.split()).startswith(" ".join(lines).removesuffix("…"))
        assert all(fitted(line, 0.9) == line for line in lines)
    assert wrapped("w" * 50 + " x", 0.5, 2).split("\n")[1] == "x"
    assert wrapped("", 1, 3) == ""


def test_other_suffixes_are_refused(made: Contents, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name for a figure") as caught:
        draw(made, Kind.GRID, tmp_path / "figure.jpg")
    assert caught.value.hint == "its name must end in .png or .svg or .pdf"


def test_without_matplotlib_it_says_what_to_install(
    made: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="needs the package matplotlib") as caught:
        draw(made, Kind.GRID, tmp_path / "figure.png")
    assert caught.value.hint == "install it: pip install 'genie-cli[plots]'"


def test_what_the_figure_shows_is_said(made: Contents, tmp_path: Path) -> None:
    assert draw(made, Kind.GRID, tmp_path / "a.png") == [
        "the figure shows GeNIe, r = 0.8: 6 of 6 sources, 3 of 3 targets"
    ]
    first, second = draw(made, Kind.SWEEP, tmp_path / "b.png")
    assert first == "the figure shows GeNIe: 8 of 14 sources with targets"
    assert second.startswith("below each image: the oracle's probability")


def test_images_that_are_gone_leave_their_place_empty(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path / "run", ["five"]))
    for item in contents.items:
        assert item.image
        item.image.unlink()
    draw(contents, Kind.GRID, tmp_path / "a.png")
    draw(contents, Kind.SWEEP, tmp_path / "b.png")


def test_what_there_is_nothing_of_cannot_be_drawn(tmp_path: Path) -> None:
    no_source = drawn.contents([a_row(a_job(source=None, method=Method.TXT2IMG, r=1.0))])
    for kind in (Kind.GRID, Kind.SWEEP):
        with pytest.raises(UsageError, match="no image was made from a source"):
            draw(no_source, kind, tmp_path / "figure.png")
    with pytest.raises(UsageError, match="no two images differ only in r"):
        draw(drawn.contents([a_row()]), Kind.SWEEP, tmp_path / "figure.png")
    with pytest.raises(UsageError, match="needs a backbone"):
        draw(drawn.contents([a_row()]), Kind.MAP, tmp_path / "figure.png")
    with pytest.raises(UsageError, match="fewer than three images"):
        draw(drawn.contents([a_row()]), Kind.MAP, tmp_path / "figure.png", Asked(backbone="digits"))


def many(classes: int, each: int) -> list[Row]:
    """Sources of several classes, each under two targets at two noise ratios, but for some."""
    rows = []
    for number in range(classes * each):
        source = {"path": f"{number}.png", "sha256": f"{number * 7919 % 97:064x}", "label": f"c{number % classes}"}
        for target in ("fox", "owl")[: 1 + (number % 4 > 0)]:
            rows += [a_row(a_job(target, source=a_job().source.model_copy(update=source), r=r)) for r in (0.5, 0.8)]  # type: ignore[union-attr]
    return rows


def test_the_grid_prefers_whole_rows_and_spreads_over_classes() -> None:
    made: grid.Made = {}
    for item in drawn.contents(many(classes=5, each=6)).items:
        job = item.row.job
        if job.source and job.r == 0.8:
            made.setdefault(job.source.sha256, {})[job.target] = item
    chosen = grid.choose(made, ["fox", "owl"])
    assert len(chosen) == grid.ROWS
    assert {len(made[sha256]) for sha256 in chosen} == {2}
    labels = Counter(job.source.label for sha256 in chosen if (job := made[sha256]["fox"].row.job).source)
    assert sorted(labels.values()) == [1, 1, 2, 2, 2]
    assert grid.choose(dict(reversed(made.items())), ["fox", "owl"]) == chosen


def test_the_sweep_spreads_over_targets() -> None:
    rows = many(classes=3, each=8)
    found = sweep.choose(sweeps(rows), [0.5, 0.8])
    assert Counter(own[0].job.target for own in found) == {"fox": 4, "owl": 4}
    assert sweep.choose(sweeps(list(reversed(rows))), [0.5, 0.8]) == found
    assert len(sweeps(rows)) == len(rows) // 2


def test_few_images_per_source_are_shown_in_pairs(tmp_path: Path) -> None:
    rows = [
        a_row(a_job(f"t{number % 6}", source=a_job().source.model_copy(update={"sha256": f"{number:064x}"})))  # type: ignore[union-attr]
        for number in range(24)
    ]
    (said,) = draw(drawn.contents(rows), Kind.GRID, tmp_path / "figure.png")
    assert said == "the figure shows GeNIe, r = 0.8: 6 of 6 targets, each image beside its source"


def test_the_command_draws_a_figure_and_nothing_of_the_page(genie: Genie, tmp_path: Path) -> None:
    runs.run(tmp_path / "made", runs.photos(tmp_path / "photos"))
    result = genie("gallery", "made", "--figure", "grid", "--out", "grid.svg")
    assert result.exit_code == 0, result.stderr
    assert "wrote grid.svg" in result.stderr
    assert b"<svg" in (tmp_path / "grid.svg").read_bytes()
    for words, said in (
        (("--figure", "grid"), "--figure needs a file to write"),
        (("--figure", "sweeep", "--out", "a.svg"), "expected grid, map, sweep; did you mean sweep?"),
        (("--figure", "grid", "--out", "a.gif"), ".png or .svg"),
        (("--figure", "grid", "--out", "a.svg", "--open"), "--open is for the page"),
        (("--figure", "grid", "--out", "a.svg", "--results", "made"), "--results is for the page"),
    ):
        result = genie("gallery", "made", *words)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.svg", "made", "photos"]
