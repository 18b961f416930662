"""The forms of a set by the names that are typed. Light, since help shows them."""

from __future__ import annotations

from enum import StrEnum


class FormName(StrEnum):
    """The values of ``--format``."""

    IMAGEFOLDER = "imagefolder"
    WEBDATASET = "webdataset"
    PARQUET = "parquet"
