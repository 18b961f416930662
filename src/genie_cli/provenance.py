"""Provenance: image files that carry a record of how they were generated.

The record is a JSON document, ``{"genie": <version>, "job": {...}, "settings": {...}}``, in the file's XMP, under a
namespace of genie's. For other software, the XMP also declares with IPTC's digital source type that a model made the
image. PNG files repeat the record in a text chunk, JPEG and WebP files have the prompt in EXIF; neither is read back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict

from genie_cli import __version__
from genie_cli.config import Format
from genie_cli.errors import ImageError, UsageError
from genie_cli.jobs import PURE_NOISE, Job

_NAMESPACE = "urn:genie-cli:provenance:1.0/"
_RECORD = f"{{{_NAMESPACE}}}Record"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

# https://cv.iptc.org/newscodes/digitalsourcetype; the identifiers themselves are http.
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_CREATED = _SOURCE_TYPES + "trainedAlgorithmicMedia"
_EDITED = _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"

# Bytes that a JPEG segment of 64 KB leaves for an XMP packet (XMP specification, part 3, section 1.1.3).
_JPEG_PACKET_BYTES = 65502

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

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
        UsageError: prompt and settings are too long for a JPEG.
        ValueError: a setting cannot be expressed in JSON, such as an infinite number.
    """
    made = Provenance(genie=__version__, job=job, settings=dict(settings))
    # Sorted, so that the order of the settings does not matter; ASCII, so that XML can contain every character.
    record = json.dumps(made.model_dump(mode="json"), sort_keys=True, allow_nan=False)
    packet = _packet(job, record)
    size = len(packet.encode())
    if image_format is Format.JPG and size > _JPEG_PACKET_BYTES:
        raise UsageError(
            f"the record of how an image was made has {size:,} bytes, and a JPEG holds {_JPEG_PACKET_BYTES:,}",
            "shorten the prompt, or write PNG or WebP: --format png",
        )
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
        made = None if record is None else Provenance.model_validate(json.loads(record))
    # Invalid UTF-8, JSON and records are all ValueErrors; too deeply nested JSON is a RecursionError.
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        hint = "the file was changed after genie wrote it; see its row in the run's manifest.jsonl"
        raise ImageError(path, "carries a damaged record of how it was made", hint) from error
    if made is None:
        raise ImageError(path, _NO_RECORD, _NO_RECORD_HINT)
    return made


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
    try:
        with Image.open(path, formats=[options["format"] for options in _ENCODER.values()]) as image:
            return bytes(image.info.get("xmp", b""))
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist", "check the spelling of the path") from error
    # Pillow raises different errors for different damages. Only errors of the file system have a strerror.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "is not a JPEG, PNG or WebP image"
        raise ImageError(path, reason, "give the path of an image file that genie wrote") from error


def _record_in(packet: bytes) -> str | None:
    """genie's record (JSON) in an XMP packet; None if there is none.

    Raises:
        ValueError: the packet is not UTF-8, or has a document type or entity declaration.
        ElementTree.ParseError: it is not XML.
    """
    # Decoded before the check, since a declaration in another encoding would not be found.
    text = packet.decode()
    # XMP needs no declarations, and entities can expand a small file to gigabytes.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the XMP packet declares a document type")
    for description in ElementTree.fromstring(text).iter(f"{{{_RDF}}}Description"):  # noqa: S314 no entities, see above
        # In RDF a property can also be an attribute, and some tools rewrite XMP that way.
        record = description.get(_RECORD) or description.findtext(_RECORD)
        if record is not None:
            return record
    return None
