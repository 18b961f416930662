"""The set as Croissant 1.0 describes data sets, in JSON-LD: files, columns, and where each column is found.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from genie_cli.export.form import Content, Form, Json
from genie_cli.generate.card import UNKNOWN_LICENSE, Feature

NAME = "croissant.json"
_RECORDS = "records"
_SYNTHETIC = "Those that a diffusion model made are marked as synthetic."
_TYPES = {
    "image": "sc:ImageObject",
    "class_label": "sc:Text",
    "string": "sc:Text",
    "float64": "sc:Float",
    "int64": "sc:Integer",
    "bool": "sc:Boolean",
}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def text(content: Content, form: Form, digests: Mapping[str, str], license: str) -> str:  # noqa: A002 - as the option
    """The whole file.

    Args:
        digests: SHA-256 of the files that were made, by name.
        license: the Hub's identifier of a licence; empty: to be filled in.
    """
    images = content.tally.images
    files, fields = form.croissant(digests, content)
    said = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "genie-images",
        "description": f"{images:,} images of {len(content.classes):,} classes. {_SYNTHETIC}",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": license or UNKNOWN_LICENSE,
        "keywords": ["synthetic", "image classification"],
        "version": "1.0.0",
        "distribution": files,
        "recordSet": [{"@type": "cr:RecordSet", "@id": _RECORDS, "name": _RECORDS, "field": fields}],
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def field(feature: Feature, found: Json) -> Json:
    """A column.

    Args:
        found: where it is: the properties ``source`` and perhaps ``references``.
    """
    said = {"@type": "cr:Field", "@id": f"{_RECORDS}/{feature.name}", "name": feature.name}
    return {**said, "description": feature.meaning, "dataType": _TYPES[feature.dtype], **found}


def file_object(name: str, digest: str, encoding: str, called: str = "") -> Json:
    """A file of the set.

    Args:
        encoding: its media type.
        called: its name within the description; empty: its own.
    """
    said = {"@type": "cr:FileObject", "@id": called or name, "name": name, "contentUrl": name}
    return {**said, "encodingFormat": encoding, "sha256": digest}
