"""What tests of `genie generate` share: options of a small run, and the rows that it leaves."""

from __future__ import annotations

import json
from pathlib import Path

ADAPTIVE = ("--r", "adaptive", "--backbone", "digits")
RATIOS = ("0.5", "0.6", "0.7", "0.8", "0.9")
EVERYTHING = ("--targets", "seven,two", "--r", "0.5", "--r", "0.8")


def rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
