"""The documentation is true: the README's tree is what is on disk, links lead somewhere, commands exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.paper.report import filled

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_readmes_tree_is_what_is_on_disk() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```\n(src/genie_cli/\n.*?)```", readme, re.S)
    lines = block.splitlines()
    assert len(lines) <= 25
    inside = [line.strip().split("   ")[0] for line in lines if line.startswith("  ")]
    named = {name.rstrip("/") for entry in inside for name in entry.split()}
    here = {
        path.name
        for path in (ROOT / "src/genie_cli").iterdir()
        if not path.name.startswith("__") and path.name != "py.typed"
    }
    assert named == here
    for line in lines:
        if not line.startswith(" "):
            assert (ROOT / line.split()[0]).is_dir(), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_conflict_of_a_merge_was_left(page: Path) -> None:
    assert not re.search(r"^(<{7}|={7}|>{7})( |$)", page.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_package_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rooms = "|".join(path.name for path in (ROOT / "src/genie_cli").iterdir() if path.is_dir())
    for name in re.findall(rf"`((?:{rooms})/[\w/]+\.py)`", text):
        assert (ROOT / "src/genie_cli" / name).is_file(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`(tests/[\w/*]+(?:\.py)?)`", page.read_text(encoding="utf-8")):
        assert list(ROOT.glob(name)), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_are_shown_exist(page: Path) -> None:
    """Every `genie COMMAND --option` in a code block is one that the command has."""
    from typer.main import get_command

    from genie_cli.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.S):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            for words in commands_in(line):
                if words[0] == "genie" and len(words) > 1 and words[1] in commands:
                    known = {flag for parameter in commands[words[1]].params for flag in parameter.opts} | {"--help"}
                    for word in words[2:]:
                        if word.startswith("--"):
                            assert word.split("=")[0] in known, f"{page.name}: {line.strip()}: {word}"


def commands_in(line: str) -> list[list[str]]:
    """The commands of a shell line, word by word."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;()<>"):
            commands.append([])
        else:
            commands[-1].append(word)
    return [words for words in commands if words]


def test_the_tables_of_results_are_those_of_their_files() -> None:
    """Else: python -m benchmarks.paper.report."""
    page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert filled(page, ROOT / "docs/results") == page


def test_the_page_of_settings_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_settings", ROOT / "docs/make_settings.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.render(), "run: python docs/make_settings.py"


def test_each_row_of_the_readmes_table_has_a_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [table] = re.findall(r"^\| to \| type \|\n\|---\|---\|\n(.*?)\n\n", readme, re.M | re.S)
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    for row in table.splitlines():
        pages = re.findall(r"\]\(docs/([\w/-]+\.md)", row)
        assert pages, row
        assert any(f"]({page}" in index for page in pages), row
