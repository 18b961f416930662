"""Prints the measurements as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ARM_COLUMNS = ("", "images/s", "slowest..fastest", "ratio", "s/UNet row", "TFLOP/s", "of peak", "memory", "first image")


def print_arms(result: Mapping[str, Any]) -> None:
    """One line per arm, below a description of the work and the machine."""
    work, machine = result["work"], result["machine"]
    print(
        f"{work['images']} images ({work['sources']} sources x {len(work['targets'])} targets, r = "
        f"{', '.join(map(str, work['r']))}), {work['steps']} steps, {work['unet rows']} UNet rows, "
        f"{work['dtype']}, {work['model']}"
    )
    print(f"on {machine.get('gpu', machine['processor'])}; the pipeline in batches of {work['batch']}\n")
    print_table(ARM_COLUMNS, [arm_line(name, arm) for name, arm in result["arms"].items()])


def arm_line(name: str, arm: Mapping[str, Any]) -> list[str]:
    return [
        name,
        f"{arm['images/s']:.3g}",
        f"{arm['slowest']:.3g}..{arm['fastest']:.3g}",
        f"{arm['ratio']:.2f}" if "ratio" in arm else "",
        f"{arm['s/row']:.3g}",
        f"{arm['FLOP/s'] / 1e12:.3g}",
        f"{arm['of peak']:.0%}",
        f"{(arm['gpu memory'] or arm['memory']) / 2**30:.2f} GiB",
        f"{arm['first image']:.1f} s",
    ]


def print_agreement(differences: Mapping[str, Mapping[str, float]], who: str) -> None:
    """How much the images of two arms differ."""
    print(f"\n{who}, absolute difference of values:\n")
    columns = ("", "values", "equal", "median", "90 %", "99 %", "most")
    names = {"exact": "decoded, 0..1", "files": "PNG, 1/255"}
    lines = [
        [
            names[kind],
            f"{a['values']:.0f}",
            f"{a['equal']:.2%}",
            *(f"{a[q]:.2g}" for q in ("q50", "q90", "q99", "most")),
        ]
        for kind, a in differences.items()
    ]
    print_table(columns, lines)


def print_table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A Markdown table, so that it can go into a page as it is."""
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)
