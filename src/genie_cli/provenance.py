"""Provenance: image files that carry a record of how they were generated.

The record is a JSON document, ``{"genie": <version>, "job": {...}, "settings": {...}, "sha256": ...}``, in the file's
XMP, under a namespace of genie's. Its SHA-256 is of the rest, as JSON with sorted keys: without it, a JPEG or WebP in
which one letter has changed would show another job. For other software, the XMP also declares with IPTC's digital
source type that a model made the image. PNG files repeat the record in a text chunk, JPEG and WebP files have the
prompt in EXIF; neither is read back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn, cast
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict

from genie_cli import __version__
from genie_cli.config import Format
from genie_cli.errors import ImageError, UsageError
from genie_cli.files.image_data import LimitError, open_image
from genie_cli.files.reading import read_bytes
from genie_cli.jobs import PURE_NOISE, Job, Source

_NAMESPACE = "urn:genie-cli:provenance:1.0/"
_RECORD = f"{{{_NAMESPACE}}}Record"
_CHECKSUM = "sha256"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

_DESCRIPTION = f"{{{_RDF}}}Description"

# https://cv.iptc.org/newscodes/digitalsourcetype; the identifiers themselves are http.
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_CREATED = _SOURCE_TYPES + "trainedAlgorithmicMedia"
_EDITED = _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"

# Bytes that a JPEG segment of 64 KB leaves for an XMP packet (XMP specification, part 3, section 1.1.3).
_JPEG_PACKET_BYTES = 65502

_MAX_PACKET = 1 << 24  # bytes, where the format has no limit
_DEEPEST = 100  # elements in elements; genie's packet has 6

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NO_IMAGE = "is not a JPEG, PNG or WebP image"
_NO_RECORD = "carries no record of how it was made"
_NO_RECORD_HINT = "only files as genie wrote them carry one; an editor or a web site may have removed it"

# 4:4:4 keeps color at full resolution. Subsampling would blur the edges that a classifier learns from.
_ENCODER: dict[Format, dict[str, Any]] = {
    Format.JPG: {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    Format.PNG: {"format": "PNG"},
    Format.WEBP: {"format": "WEBP", "quality": 95, "method": 4},
}


class Provenance(BaseModel):
    """The record of how an image was made.

    Attributes:
        genie: version of genie that made it.
        job: the job it was made for.
        settings: what else determined the image; JSON values.
    """

    # Without "constants", pydantic would silently turn infinity and not-a-number into null.
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    genie: str
    job: Job
    settings: dict[str, Any]


def encode(pixels: NDArray[np.uint8], image_format: Format, job: Job, settings: Mapping[str, object]) -> bytes:
    """Encode an image file with its record. The same input gives the same bytes.

    Args:
        pixels: (height, width, 3), uint8, RGB.
        image_format: PNG is lossless; JPEG and WebP are saved at quality 95.
        job: the job that ``pixels`` were made for.
        settings: what else determined them; any values that pydantic can turn into JSON.

    Returns:
        The file's bytes.

    Raises:
        UsageError: prompt and settings are too long for a JPEG, or absurdly long.
        ValueError: a setting cannot be expressed in JSON, such as an infinite number.
    """
    made = Provenance(genie=__version__, job=job, settings=dict(settings)).model_dump(mode="json")
    record = _canonical({**made, _CHECKSUM: _checksum(made)})
    packet = _packet(job, record)
    _require_room(len(packet.encode()), image_format)
    carried = {"pnginfo": _chunks(packet, record)} if image_format is Format.PNG else _segments(packet, job)
    file = BytesIO()
    Image.fromarray(pixels).save(file, **_ENCODER[image_format], **carried)
    return file.getvalue()


def read(path: Path) -> Provenance:
    """Read an image file's record, without decoding its pixels.

    Raises:
        ImageError: the file does not exist or is not an image, or its record is missing or damaged.
    """
    packet = _packet_of(path)
    # Checked first, so that other software's XMP is neither parsed nor reported as damaged.
    if _NAMESPACE.encode() not in packet:
        raise ImageError(path, _NO_RECORD, _NO_RECORD_HINT)
    try:
        record = _record_in(packet)
        made = None if record is None else _made(record)
    # Invalid UTF-8, JSON and records are all ValueErrors; too deeply nested JSON is a RecursionError.
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        hint = "the file was changed after genie wrote it; see its row in the run's manifest.jsonl"
        raise ImageError(path, "carries a damaged record of how it was made", hint) from error
    if made is None:
        raise ImageError(path, _NO_RECORD, _NO_RECORD_HINT)
    return made


def _require_room(size: int, image_format: Format) -> None:
    most, hint = _MAX_PACKET, "shorten the prompt"
    if image_format is Format.JPG:
        most, hint = _JPEG_PACKET_BYTES, f"{hint}, or write PNG or WebP: --format png"
    if size > most:
        name = _ENCODER[image_format]["format"]
        raise UsageError(f"the record of how an image was made has {size:,} bytes, and a {name} holds {most:,}", hint)


def _packet(job: Job, record: str) -> str:
    """The XMP packet: IPTC's digital source type, the tool and the prompt for other software, and genie's record."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{_RDF}">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:genie="{_NAMESPACE}">
   <Iptc4xmpExt:DigitalSourceType>{_source_type(job)}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{_tool()}</xmp:CreatorTool>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{_escape(_caption(job))}</rdf:li></rdf:Alt></dc:description>
   <genie:Record>{_escape(record)}</genie:Record>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def _source_type(job: Job) -> str:
    """IPTC's identifier for "created by a model" or, if a source image was used, for "edited by a model"."""
    return _CREATED if job.source is None or job.r > PURE_NOISE else _EDITED


def _tool() -> str:
    return f"genie {__version__}"


def _caption(job: Job) -> str:
    """The prompt, with U+FFFD for control characters that neither XML nor EXIF can contain."""
    return _NOT_XML.sub("\ufffd", job.prompt)


def _escape(text: str) -> str:
    # A parser would turn a bare carriage return into a newline.
    return escape(text, {"\r": "&#13;"})


def _chunks(packet: str, record: str) -> PngImagePlugin.PngInfo:
    """PNG text chunks: UTF-8, not compressed."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", packet)
    chunks.add_itxt("genie", record)
    return chunks


def _segments(packet: str, job: Job) -> dict[str, Any]:
    """XMP and EXIF for JPEG and WebP. The EXIF fits into a JPEG if the packet does, which has the prompt twice."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _tool()
    # As UTF-8 bytes, which readers expect: of a string, Pillow would replace characters beyond ASCII.
    exif[ExifTags.Base.ImageDescription] = _caption(job).encode()
    return {"xmp": packet.encode(), "exif": exif}


def _packet_of(path: Path) -> bytes:
    """The image's XMP packet, empty if it has none; ImageError if the file cannot be opened."""
    hint = "give the path of an image file that genie wrote"
    try:
        data = read_bytes(path)
        with open_image(data, tuple(options["format"] for options in _ENCODER.values())) as image:
            return bytes(image.info.get("xmp", b""))
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist", "check the spelling of the path") from error
    except (OSError, MemoryError) as error:  # Only errors of the file system have a strerror; Pillow's have none.
        why = getattr(error, "strerror", None)
        raise ImageError(path, f"cannot be read: {why}" if why else _NO_IMAGE, hint) from error
    except LimitError as error:
        raise ImageError(path, str(error), hint) from error
    except Exception as error:  # On bad bytes Pillow's readers raise almost anything.
        raise ImageError(path, _NO_IMAGE, hint) from error


def _record_in(packet: bytes) -> str | None:
    """genie's record (JSON) in an XMP packet; None if there is none.

    Raises:
        ValueError: the packet is not UTF-8, has a document type or entity declaration, or is nested absurdly deep.
        ElementTree.ParseError: it is not XML.
    """
    if len(packet) > _MAX_PACKET:
        raise ValueError("the XMP packet is larger than any of genie's")
    # Decoded before the check, since a declaration in another encoding would not be found.
    text = packet.decode()
    # XMP needs no declarations, and entities can expand a small file to gigabytes.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the XMP packet declares a document type")
    parser = ElementTree.XMLParser(target=_RecordFinder())  # noqa: S314 no entities, see above
    parser.feed(text)
    return cast("str | None", parser.close())


class _RecordFinder:
    """Finds the first record in XML that is parsed piece by piece, so that no tree of it is in memory."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._parts: list[str] | None = None
        self._record: str | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise ValueError("the XMP packet is nested too deeply")
        if self._record is None:
            # In RDF a property can also be an attribute, and some tools rewrite XMP that way.
            self._record = (tag == _DESCRIPTION and attributes.get(_RECORD)) or None
            if tag == _RECORD and self._path[-1:] == [_DESCRIPTION]:
                self._parts = []
        self._path.append(tag)

    def data(self, text: str) -> None:
        if self._parts is not None:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == _RECORD and self._parts is not None:
            self._record, self._parts = "".join(self._parts), None

    def close(self) -> str | None:
        return self._record


def _made(record: str) -> Provenance:
    """What a record says, once it is certain that genie wrote it so.

    Raises:
        ValueError: it is not JSON, has unknown fields or values of other types, or does not fit its checksum.
        RecursionError: it is nested too deeply.
    """
    said = json.loads(record, parse_constant=_refuse_constant)
    checksum = said.pop(_CHECKSUM, None) if isinstance(said, dict) else None  # earlier versions wrote none
    made = Provenance.model_validate_json(_canonical(said), strict=True)
    for part, known in ((said, Provenance), (said["job"], Job), (said["job"]["source"] or {}, Source)):
        if unknown := part.keys() - known.model_fields.keys():
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    if checksum not in (None, _checksum(said)):
        raise ValueError("the record does not fit its checksum")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _canonical(record: object) -> str:
    """JSON in the one form that a record has: sorted, so that the order of the settings does not matter; in ASCII."""
    return json.dumps(record, sort_keys=True, allow_nan=False)


def _checksum(record: object) -> str:
    return hashlib.sha256(_canonical(record).encode()).hexdigest()
