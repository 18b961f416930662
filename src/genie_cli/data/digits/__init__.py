"""The bundled data: handwritten digits over photographs, and the data sets of the three benchmarks made of them."""

from genie_cli.data.digits.paint import (
    BASE_CLASSES,
    CLASSES,
    IMAGE_SIZE,
    NOVEL_CLASSES,
    DigitsInTheWild,
    Sample,
    Split,
    Spurious,
    scans_of,
)

__all__ = [
    "BASE_CLASSES",
    "CLASSES",
    "IMAGE_SIZE",
    "NOVEL_CLASSES",
    "DigitsInTheWild",
    "Sample",
    "Split",
    "Spurious",
    "scans_of",
]
