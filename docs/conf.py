"""How Sphinx makes the site of the documentation: `sphinx-build -W -n -c docs . build/site` (in `./check`).

The root of the repository is the source, so that a link between two Markdown files is the same on the site and on the
hub of the repository. Nothing is fetched, neither here nor by the pages.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from genie_cli import __version__  # noqa: E402 - of this folder, and not of an installed one

# autodoc changes annotations of pydantic's base class, after which a model cannot be defined: all are defined first.
for module in (
    "export.export",
    "fewshot.prepare",
    "gallery.gallery",
    "longtail.prepare",
    "oracle.judge",
    "unpack.unpack",
):
    importlib.import_module(f"genie_cli.{module}")

project = "genie"
version = release = __version__
author = "the authors of genie"
copyright = "the authors of genie"  # noqa: A001 - Sphinx's name

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "training/README.md",
    "src/genie_cli/bundled/*.md",
]
# Sphinx looks into every folder that is not named here.
exclude_patterns = ["build", "dist", "tests", "genie-*", ".*", "**/__pycache__", "benchmarks/*/**", "docs/results/**"]
nitpicky = True

# Markdown: headings have the anchors that the hub gives them; notebooks are shown, and run by a test.
myst_heading_anchors = 4
nb_execution_mode = "off"

# The interface: signatures with one argument in a line, docstrings in Google's style.
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "exclude-members": "model_config"}
autodoc_class_signature = "separated"  # how genie itself makes its results is of no use to a reader
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
default_role = "py:obj"

# Types that are documented elsewhere, and those of genie's own that a caller only passes on.
OTHERS = re.compile(
    r"((collections|collections\.abc|contextlib|enum|numpy|pathlib|pydantic|types|typing)\.[\w.[\]]+"
    r"|Any|Field|Path|dict\[str|tuple\[str|Mapping\[float|[gl]e=\S+|_\w+"
    r"|(genie_cli\.[\w.]+\.)?(Choices|Condition|Engine|Format|Located|ManifestImages|Outcome|Paired|Planned|Profile)"
    r"|(genie_cli\.[\w.]+\.)?(Ratio|Workers)|genie_cli\.generate\.estimate\.Tally)"
)

# What genie_cli.api calls two classes of one name.
RENAMED = {
    "FewShotRecords": "genie_cli.fewshot.results.Records",
    "LongTailRecords": "genie_cli.longtail.results.Records",
}

html_theme = "furo"
html_title = "genie"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", mark_code)
    app.connect("missing-reference", find_by_last_name)
    app.connect("build-finished", write_first_page)


def add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Put the sidebar's contents, which Sphinx wants as a directive, after the lists of docs/index.md.

    The lists are links under headings, which the hub shows, too; each heading is a caption of the sidebar.
    """
    if page != root_doc:
        return
    for caption, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", source[0], re.M | re.S):
        links = re.findall(r"^- \[([^]]*)\]\(([^)]*)\.(?:md|ipynb|rst)\)", section, re.M)
        entries = "\n".join(f"{name} <{target}>" for name, target in links)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def mark_code(_: Sphinx, kind: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Show what is indented in the docstring of a module as code, which for Sphinx is a quotation without a mark."""
    if kind != "module":
        return
    for number in range(len(lines) - 1, 0, -1):
        if lines[number].startswith("    ") and not lines[number - 1]:
            before = next((line for line in reversed(lines[:number]) if line), "")
            if not before.startswith(" "):
                lines[number:number] = ["::", ""]


def find_by_last_name(app: Sphinx, environment: Any, node: Any, shown: Any) -> Any:
    """Resolve names in docstrings, where classes are called by their last name: ``Made``, `errors.GenieError`.

    What is in single backticks and is no documented object is shown as it is, and so are types of other libraries,
    whose documentation is not here. A name of genie's own in a signature or after "Raises:" that is not documented
    remains a warning, which ends the build.
    """
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].removesuffix("()")
    name = RENAMED.get(name, name)
    objects = environment.domains["py"].objects
    found = [full for full in objects if full == name or full.endswith(f".{name}")]
    found = [full for full in found if not objects[full].aliased]
    found = [full for full in found if full.startswith(f"genie_cli.api.{name}")] or found
    if len(found) == 1:
        entry = objects[found[0]]
        return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, shown, found[0])
    return shown if node["reftype"] == "obj" or OTHERS.fullmatch(name) else None


def write_first_page(app: Sphinx, error: Exception | None) -> None:
    """A page in the site's own folder that leads to docs/index.html."""
    if error is None and app.builder.format == "html":
        page = (
            '<!doctype html><meta charset="utf-8"><title>genie</title><meta http-equiv="refresh" content="0; url={0}">'
        )
        page += '<a href="{0}">Documentation of genie</a>\n'
        (Path(app.outdir) / "index.html").write_text(page.format(f"{root_doc}.html"), encoding="utf-8")
