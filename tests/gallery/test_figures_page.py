"""The figures in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from genie_cli.confuse.confusion import Confusion
from genie_cli.evaluate.results import files_of
from genie_cli.fewshot.results import Record
from genie_cli.gallery import items
from genie_cli.gallery import page as gallery_page
from genie_cli.gallery.figures import projections
from genie_cli.gallery.figures.collect import Asked, collect
from genie_cli.observer import Observer
from tests.gallery import drawn
from tests.gallery.conftest import Watched

STATIC = Path(gallery_page.__file__).parent / "static"
HOSTILE = "</script><img src=x onerror=alert(1)> $x$ \u202e"
COLORS = ";".join(
    f"--{name}:{color}"
    for name, color in {
        "paper": "#fff",
        "ink": "#222",
        "muted": "#666",
        "line": "#ccc",
        "accent": "#15c",
        "good": "#184",
        "bad": "#b22",
        "warn": "#c80",
        **{f"c{n}": f"hsl({40 * n} 70% 40%)" for n in range(1, 9)},
    }.items()
)


# Of cells of one word those that have it on more than one line.
BROKEN = """
cells => cells.map((cell) => cell.firstChild).filter((text) => {
  const range = document.createRange();
  if (text) range.selectNodeContents(text);
  return /^\\S{1,20}$/.test(text?.data) && range.getClientRects().length > 1;
}).map((text) => text.data)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All figures, of a run whose classes have a hostile name among them."""
    root = tmp_path_factory.mktemp("figures")
    (root / HOSTILE.replace("/", "")).mkdir()
    common: dict[str, Any] = {"dataset": HOSTILE, "backbone": "eye@1", "classifier": "lr", "ways": 5, "shots": 1}
    more: dict[str, Any] = {"queries": 15, "episodes": 9, "episode_list": "", "accuracy": 50, "interval": 2}
    for name, text in files_of(Record, [Record(**common, **more, augmentation=HOSTILE)]).items():
        (root / HOSTILE.replace("/", "") / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        patch.setattr(projections, "has_umap", lambda: False)
        asked = Asked(
            confusion=Confusion(labels=("zero", HOSTILE, "six"), matrix=((8, 2, 0), (0, 9, 0), (0, 1, 3))),
            results=[root / HOSTILE.replace("/", "")],
        )
        contents = items.read(drawn.run(root / "run", ["five", HOSTILE], ["zero", HOSTILE]))
        return collect(contents, asked, Observer())


def opened(page: Page, folder: Path, data: dict[str, Any], width: int = 1400) -> Page:
    scripts = "".join(f"<script src='{(STATIC / name).as_uri()}'></script>" for name in gallery_page.FIGURE_SCRIPTS)
    start = (
        "window.opened = []; window.asked = [];"
        "genie.drawFigures(document.getElementById('figures'), " + json.dumps(data).replace("<", "\\u003c") + ","
        "(id) => window.opened.push(id), (id) => { window.asked.push(id);"
        " const picture = document.createElement('b'); picture.id = 'thumbnail'; picture.textContent = id;"
        " return picture; });"
    )
    path, style = folder / "page.html", (STATIC / gallery_page.FIGURE_STYLE).as_uri()
    path.write_text(
        f"<!doctype html><meta charset=utf-8><link rel=stylesheet href='{style}'>"
        f"<style>:root{{{COLORS}}} body{{margin:16px}}</style><main id=figures></main>{scripts}<script>{start}</script>"
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    return page


def test_every_mark_is_there(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)

    def count(figure: str, marks: str) -> int:
        return page.locator(f"[data-figure={figure}] {marks}").count()

    names = [figure.get_attribute("data-figure") for figure in page.locator("figure").all()]
    assert names == ["ratios", "confusion", "map", "trajectories", "densities", "results"]
    jobs = data["map"]["points"]["job"]
    assert count("map", ".made") == sum(map(bool, jobs)) == 12
    assert count("map", ".real") == len(jobs) - 12 == 4
    assert count("confusion", ".cell") == 5
    assert count("ratios", ".interval") == len(data["ratios"]["groups"]) == 2
    assert count("ratios", ".share") == sum(len(group["verdicts"]) for group in data["ratios"]["groups"])
    assert count("trajectories", ".thin") == 2 * 6
    assert count("trajectories", ".thick") == 2
    panels = data["densities"]["panels"]
    assert count("densities", ".half") == sum(
        bool(n) for panel in panels for side in ("target", "source") for n in panel[side]
    )
    assert count("results", ".interval") == 1
    assert all(figure.locator("figcaption h2, figcaption p").count() >= 2 for figure in page.locator("figure").all())
    assert page.locator("figure details table caption").count() == 6


def test_names_from_outside_stay_text(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)
    assert page.locator("img").count() == 0
    assert HOSTILE in (page.locator("[data-figure=map] .legend").text_content() or "")
    assert HOSTILE in (page.locator("[data-figure=confusion] table").text_content() or "")
    page.locator("[data-figure=confusion] .cell").nth(1).hover()
    assert page.locator(".figure-tip p").all_text_contents() == [
        "true: zero",
        f"predicted: {HOSTILE}",
        "2 of 10 images (20 %)",
    ]


def test_a_point_is_shown_and_opened(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)
    mark = page.locator("[data-figure=map] .made").first
    job = mark.get_attribute("data-job") or ""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator(".figure-tip").get_attribute("data-job") == job
    assert page.locator("#thumbnail").text_content() == job
    r = data["map"]["kinds"][data["map"]["points"]["kind"][data["map"]["points"]["job"].index(job)]]["r"]
    assert f"GeNIe, r = {r}" in page.locator(".figure-tip p").all_text_contents()
    assert (page.locator("[data-figure=map] .joined").get_attribute("d") or "").count("L") == 1  # two noise ratios
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.evaluate("window.opened") == [job]
    page.mouse.move(0, 0)
    assert page.locator(".figure-tip").is_hidden()


def test_keys_go_from_point_to_point(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)
    page.locator("[data-figure=trajectories] svg").first.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".figure-tip").get_attribute("data-job")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    last = page.locator(".figure-tip").get_attribute("data-job")
    page.keyboard.press("Enter")
    lines = data["trajectories"]["methods"][0]["lines"]
    assert page.evaluate("window.opened") == [first, last]
    assert first in [line["points"][0]["job"] for line in lines]
    assert last in [line["points"][-1]["job"] for line in lines]
    page.keyboard.press("Escape")
    assert page.locator(".figure-tip").is_hidden()


def test_the_map_is_filtered(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)
    page.locator("[data-choice=kind]").select_option("1")
    assert (page.locator("[data-figure=map] .made").count(), page.locator("[data-figure=map] .real").count()) == (6, 4)
    classes = data["map"]["classes"]
    page.locator("[data-choice=label]").select_option(str(classes.index(HOSTILE)))
    assert (page.locator("[data-figure=map] .made").count(), page.locator("[data-figure=map] .real").count()) == (2, 2)


def test_a_narrow_page_is_not_wider_than_its_window(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.evaluate("document.querySelectorAll('.figure details').forEach((each) => { each.open = true; })")
    broken = page.eval_on_selector_all("th, td", BROKEN)
    assert broken == []  # no word of a table is on two lines
    marks = page.locator("[data-figure=map] .made").count()
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_function("document.querySelector('[data-figure=map] .plot').clientWidth > 700")
    assert page.locator("[data-figure=map] .made").count() == marks


def test_what_is_hidden_is_drawn_when_it_is_shown(watched: Watched, data: dict[str, Any], tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, data)
    page.evaluate("figures.hidden = true; genie.drawFigures(figures, {ratios: " + json.dumps(data["ratios"]) + "})")
    assert page.locator(".plot").count() == 0
    page.evaluate("figures.hidden = false")
    page.wait_for_selector("[data-figure=ratios] .plot")
    assert page.locator("figure").count() == 1


def test_a_map_that_needs_a_backbone_says_how_to_get_it(watched: Watched, tmp_path: Path) -> None:
    page = opened(watched.page, tmp_path, {"map": {"missing": "--backbone lite0"}})
    assert page.locator("figure code").text_content() == "genie gallery ... --backbone lite0"
    assert page.locator("svg").count() == 0
