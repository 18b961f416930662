"""Filters and sorting in the page give the rows that Python finds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

from genie_cli.gallery.columns import state_of, verdict_of
from genie_cli.manifest import Row
from tests.gallery import made
from tests.gallery.conftest import Shown, address, ids, wait_until


def label(row: Row) -> str:
    return row.job.source.label if row.job.source else ""


def confidence(row: Row) -> float:
    known = row.judgement.target_probability if row.judgement else None
    return math.nan if known is None else known


def similarity(row: Row) -> float:
    known = row.judgement.source_similarity if row.judgement else None
    return math.nan if known is None else known


def is_of(target: str, row: Row) -> bool:
    return row.job.target == target


Condition = Callable[[Row], bool]
FILTERS: dict[str, Condition] = {
    "": lambda row: True,
    **{urlencode({"target": name}): partial(is_of, name) for name in made.HOSTILE},
    "source=%3Cb%3Edog%3C%2Fb%3E": lambda row: label(row) == "<b>dog</b>",
    "source=": lambda row: row.job.source is None,
    "verdict=hard+negative": lambda row: verdict_of(row) == "hard negative",
    "verdict=not+judged&verdict=mislabelled": lambda row: verdict_of(row) in ("not judged", "mislabelled"),
    "verdict=not+made": lambda row: not row.file,
    "state=selected&state=failed": lambda row: state_of(row) in ("selected", "failed"),
    "state=accepted": lambda row: state_of(row) == "accepted",
    "method=txt2img": lambda row: row.job.method == "txt2img",
    "r=0.5&r=1": lambda row: row.job.r in (0.5, 1.0),
    "confidence=0.25-0.75": lambda row: 0.25 <= confidence(row) <= 0.75,
    "confidence=.9-": lambda row: confidence(row) >= 0.9,
    "similarity=-0.3": lambda row: similarity(row) <= 0.3,
    "q=FOX": lambda row: "fox" in row.job.target or "fox" in row.job.prompt,
    "q=dog": lambda row: label(row) == "<b>dog</b>",
    "q=proto__&r=0.8": lambda row: row.job.target == "__proto__" and row.job.r == 0.8,
    "state=rejected&r=0.5&similarity=0.1-": lambda row: (
        state_of(row) == "rejected" and row.job.r == 0.5 and similarity(row) >= 0.1
    ),
}
SORTS: dict[str, Callable[[Row], float | str]] = {
    "target": lambda row: row.job.target,
    "r": lambda row: row.job.r,
    "confidence": confidence,
    "similarity": similarity,
}


def stable(rows: list[Row], sort: str) -> list[str]:
    """The ids in order: of equal rows as in the manifest, those without a value last."""
    name, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if name == "order":
        return [row.job.id for row in rows[::sign]]
    key = SORTS[name]
    known = sorted((row for row in rows if key(row) == key(row)), key=key, reverse=sign < 0)
    return [row.job.id for row in [*known, *(row for row in rows if key(row) != key(row))]]


def test_filters_give_the_rows_that_python_finds(page: Page, shown: Shown) -> None:
    for fragment, fits in FILTERS.items():
        page.goto(f"{shown.address}#{fragment}")
        wanted = [row.job.id for row in shown.rows if fits(row)]
        assert ids(page) == wanted, fragment
        assert len(wanted) > 0, fragment
        of = f" of {len(shown.rows)}" if len(wanted) < len(shown.rows) else ""
        assert page.text_content("#count") == f"{len(wanted)}{of} jobs", fragment


def test_the_id_is_searched(page: Page, shown: Shown) -> None:
    wanted = shown.rows[17].job.id
    page.fill("#search", f" {wanted[:12]} ")
    wait_until(page, "location.hash.startsWith('#q=')")
    assert ids(page) == [wanted]


def test_a_filtered_list_is_shown_from_its_start(page: Page) -> None:
    page.evaluate("scrollTo(0, 5000)")
    wait_until(page, "document.querySelector('.tile').dataset.place > 12")
    page.select_option("#sort", "confidence")
    first = page.locator(f".tile[data-id='{ids(page)[0]}']").bounding_box()
    toolbar = page.locator("#toolbar").bounding_box()
    assert first
    assert toolbar
    assert toolbar["y"] + toolbar["height"] <= first["y"] < 200


@pytest.mark.parametrize("filtered", ["", "state=accepted&state=failed"])
def test_sorting_is_stable_with_missing_values_last(filtered: str, page: Page, shown: Shown) -> None:
    rows = [row for row in shown.rows if not filtered or state_of(row) in ("accepted", "failed")]
    for name in ("order", *SORTS):
        for sort in (name, f"-{name}"):
            page.goto(f"{shown.address}#{filtered}&sort={sort}")
            assert ids(page) == stable(rows, sort), sort


def test_sweeps_have_a_line_per_source_target_and_replicate(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.address}#view=sweeps")
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in shown.rows:
        lines.setdefault((row.job.source.sha256 if row.job.source else "", row.job.target), []).append(row)
    wanted = [row.job.id for line in lines.values() for row in sorted(line, key=lambda row: row.job.r)]
    assert ids(page) == wanted
    assert page.text_content("#count") == f"{len(shown.rows)} jobs in {len(lines)} sweeps"
    drawn = page.eval_on_selector_all(
        ".sweep", "lines => lines.map((line) => [...line.querySelectorAll('[data-id]')].map((tile) => tile.innerText))"
    )
    for line, texts in zip(lines.values(), drawn, strict=False):
        for row, text in zip(sorted(line, key=lambda row: row.job.r), texts, strict=True):
            mark = "" if not row.judgement else " ✓" if row.judgement.consistent else " ✗"
            assert text.strip().endswith(f"r {row.job.r:g}{mark}")


def test_the_controls_write_the_address_and_back_undoes_them(page: Page, shown: Shown) -> None:
    page.locator("label.field", has_text="Target class").locator("select").select_option("=fox 🦊")
    page.locator("#filters").get_by_label("hard negative").check()
    page.select_option("#sort", "confidence")
    page.click("#direction")
    page.get_by_label("Confidence from").fill("0.2")
    page.keyboard.press("Enter")
    target = quote("fox 🦊").replace("%20", "+")
    end = f"#target={target}&verdict=hard+negative&confidence=0.2-&sort=-confidence"
    assert address(page) == shown.address + end
    assert page.text_content("#active") == " (3)"
    rows = [row for row in shown.rows if row.job.target == "fox 🦊" and verdict_of(row) == "hard negative"]
    assert ids(page) == stable([row for row in rows if confidence(row) >= 0.2], "-confidence")
    for _ in range(4):
        page.go_back()
    assert address(page) == f"{shown.address}#target={target}"
    assert not page.locator("#filters").get_by_label("hard negative").is_checked()
    assert ids(page) == [row.job.id for row in shown.rows if row.job.target == "fox 🦊"]
    page.click("#clear-filters")
    assert ids(page) == [row.job.id for row in shown.rows]
    page.reload()
    page.wait_for_selector(".tile")
    page.click("nav [data-view=sweeps]")
    assert address(page) == f"{shown.address}#view=sweeps"
