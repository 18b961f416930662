"""Choosing images with mouse and keyboard, and what is copied and downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from genie_cli import api
from genie_cli.manifest import Status
from tests.conftest import Genie
from tests.gallery.conftest import Shown, Watched, address, ids, wait_until
from tests.gallery.made import RATIOS

CLIPBOARD = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
NO_CLIPBOARD = """
Object.defineProperty(navigator, "clipboard", { value: undefined });
document.execCommand = (name) => { window.copied = document.activeElement.value; return name === "copy"; };
Object.defineProperty(window, "localStorage", { get() { throw new Error("no storage"); } });
"""


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.closest('.tile')?.dataset.id ?? document.activeElement.id")
    return found


def test_the_keyboard_is_enough(page: Page) -> None:
    order = ids(page)
    page.keyboard.press("/")
    assert focused(page) == "search"
    page.locator(".tile .open").first.focus()
    columns = page.evaluate("document.querySelector('.line').children.length")
    place = 0
    for key, step in (
        ("ArrowRight", 1),
        ("ArrowDown", columns),
        ("ArrowDown", columns),
        ("ArrowLeft", -1),
        ("ArrowUp", -columns),
    ):
        page.keyboard.press(key)
        place += step
        assert focused(page) == order[place], key
    assert page.evaluate("document.querySelectorAll('.tile .open[tabindex=\"0\"]').length") == 1
    page.keyboard.press("End")
    assert focused(page) == order[-1]
    page.keyboard.press("ArrowRight")
    assert focused(page) == order[-1]
    page.keyboard.press("Home")
    assert focused(page) == order[0]
    page.keyboard.press("Enter")
    page.wait_for_selector(".dialog-body")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert address(page).endswith(f"#image={order[2]}")
    page.wait_for_selector(f"dialog .all:has-text('{order[2]}')")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    assert focused(page) == order[2]
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")


def test_arrow_keys_lead_into_the_list_where_it_is_looked_at(page: Page) -> None:
    order = ids(page)
    page.keyboard.press("ArrowRight")
    assert focused(page) == order[0]
    page.evaluate("document.activeElement.blur(); scrollTo(0, 2000)")
    wait_until(page, "Number(document.querySelector('.tile[data-id]').dataset.place) > 0")
    page.keyboard.press("ArrowLeft")
    assert order.index(focused(page)) > 0
    assert page.evaluate("scrollY") == 2000


def test_the_keyboard_in_sweeps(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.address}#view=sweeps&source=cat")
    rows = {row.job.id: row for row in shown.rows}
    page.locator(".tile .open").first.focus()
    moves = {"ArrowRight": (0, 1), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowUp": (-1, 0)}
    line = column = 0
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        line, column = line + moves[key][0], column + moves[key][1]
        assert rows[focused(page)].job.r == RATIOS[column], key
        assert page.evaluate("document.activeElement.closest('.sweep').ariaPosInSet") == str(line + 1), key


def test_everything_to_press_has_a_name(page: Page, shown: Shown) -> None:
    for fragment in ("", "view=sweeps", f"image={shown.rows[0].job.id}"):
        page.goto(f"{shown.address}#{fragment}")
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, select, summary')].filter((it) => !(it.ariaLabel"
            " || it.textContent.trim() || [...(it.labels || [])].some((label) => label.textContent.trim())"
            " || it.closest('label')?.title)).map((it) => it.outerHTML)"
        )
        assert nameless == []
        roles = page.eval_on_selector_all("#list > .line", "all => all.map((line) => line.getAttribute('role'))")
        assert set(roles) == {"listitem" if "sweeps" in fragment else "presentation"}


def test_chosen_images_are_what_select_keeps(page: Page, shown: Shown, tmp_path: Path) -> None:
    made = [row for row in shown.rows if row.status is Status.MADE]
    judged = [row for row in made if row.judgement]
    rejected, *_ = [row for row in judged if row.is_rejected]
    first, *_, last = [row for row in judged if not row.is_rejected]
    wanted = [first, rejected, last]
    for row in wanted:
        page.goto(f"{shown.address}#image={row.job.id}")
        page.wait_for_selector(f"dialog .all:has-text('{row.job.id}')")
        page.keyboard.press("x")
    page.goto(f"{shown.address}#")
    failed = next(row for row in shown.rows if row.status is not Status.MADE)
    page.locator(f".tile[data-id='{failed.job.id}'] .open").focus()
    page.keyboard.press("x")  # there is nothing to choose
    assert page.text_content("#chosen") == "3 chosen"
    with page.expect_download() as started:
        page.click("#download")
    path = tmp_path / "chosen.jsonl"
    started.value.save_as(path)
    header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert json.loads(header)["rows"] == len(lines) == 3
    only = tmp_path / "judged.jsonl"
    text = (shown.root / "made/manifest.jsonl").read_text(encoding="utf-8").split("\n")
    kept = [json.loads(text[0]) | {"rows": len(judged), "root": str(shown.root / "made")}]
    lines = [json.dumps(head) for head in kept] + [line for line in text[1:] if '"oracle"' in line]
    only.write_text("\n".join(lines) + "\n", encoding="utf-8")
    selected = {row.job.id for row in api.select(only, keep=path).rows() if row.selection and row.selection.selected}
    assert selected == {first.job.id, last.job.id}
    assert api.export(path, tmp_path / "set").tally.images == 3  # the rejected one, too: a person chose it


@pytest.mark.parametrize("setting", [CLIPBOARD, NO_CLIPBOARD])
def test_copying(setting: str, watched: Watched, shown: Shown, genie: Genie, monkeypatch: pytest.MonkeyPatch) -> None:
    page = watched.page
    page.add_init_script(setting)
    monkeypatch.setattr("genie_cli.cli.explain.wants_lines", lambda as_json: as_json)
    rows = {row.job.target: row for row in shown.rows if row.status is Status.MADE}
    for row in rows.values():
        page.goto(f"{shown.address}#image={row.job.id}")
        page.wait_for_selector(f"dialog .all:has-text('{row.job.id}')")
        explained = genie("explain", str(shown.root / "made" / row.file))
        assert explained.exit_code == 0
        command = explained.stdout.rstrip("\n").split("\n")[-1]
        if "genie generate --plan - '--model" in command:
            page.click("dialog .copy")
            wait_until(page, "window.copied")
            assert page.evaluate("window.copied") == command
            page.evaluate("window.copied = ''")
        else:
            assert "No command to make it again can be shown" in page.inner_text("dialog")
        page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.click("#copy-ids")
    wait_until(page, "window.copied")
    order = [row.job.id for row in shown.rows]
    assert page.evaluate("window.copied").split() == sorted((row.job.id for row in rows.values()), key=order.index)


def test_choices_are_kept_until_they_are_cleared(browser: Browser, shown: Shown) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(shown.address)
    page.locator(".tile").first.hover()
    page.locator(".tile input").first.check()
    again = context.new_page()
    again.goto(shown.address)
    assert again.text_content("#chosen") == "1 chosen"
    assert again.locator(".tile input").first.is_checked()
    again.click("#clear-chosen")
    assert not again.is_visible("#choice")
    assert not again.locator(".tile input").first.is_checked()
    context.close()
