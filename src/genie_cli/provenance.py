"""A generated image carries how it was made, inside its own file.

The record is one JSON document, ``{"genie": <version>, "job": {...}, "settings": {...}}``, in the file's XMP under
genie's own namespace. Next to it the XMP says in the words of IPTC that a model made the image, for software that
knows nothing of genie. PNG repeats the document in a text chunk, JPEG and WebP name the prompt in EXIF; both are for
people to look at and are never read back.

This module does not know torch or folders.
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

# XMP, part 3, section 1.1.3: what is left of a JPEG segment's 64 KB for an XMP packet, in bytes.
_JPEG_PACKET_BYTES = 65502

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NO_RECORD_HINT = "only files as genie wrote them carry one; an editor or a web site may have removed it"

# 4:4:4 keeps colour at full resolution: halved, it would smear the edges a classifier is to learn from.
_ENCODER: dict[Format, dict[str, Any]] = {
    Format.JPG: {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    Format.PNG: {"format": "PNG"},
    Format.WEBP: {"format": "WEBP", "quality": 95, "method": 4},
}


class Provenance(BaseModel):
    """How an image was made.

    Attributes:
        genie: the version of genie that made it.
        job: what was to be made.
        settings: how it was made, as far as the job does not say; plain JSON values.
    """

    # Without "constants", pydantic would quietly make null of a number that JSON does not have.
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    genie: str
    job: Job
    settings: dict[str, Any]


def encode(pixels: NDArray[np.uint8], image_format: Format, job: Job, settings: Mapping[str, object]) -> bytes:
    """The bytes of an image file that says how it was made; the same input gives the same bytes.

    Args:
        pixels: RGB, uint8, (height, width, 3).
        image_format: PNG is lossless; JPEG and WebP are saved at quality 95.
        job: what ``pixels`` were made for.
        settings: whatever else decided what came out; anything pydantic can turn into JSON.

    Raises:
        UsageError: prompt and settings are longer than a JPEG can carry.
        ValueError: a setting has no form in JSON (an infinite number, say).
    """
    made = Provenance(genie=__version__, job=job, settings=dict(settings))
    # Sorted, so that the order of the settings does not show; pure ASCII, so that XML can hold every character.
    record = json.dumps(made.model_dump(mode="json"), sort_keys=True, allow_nan=False)
    packet = _packet(job, record)
    size = len(packet.encode())
    if image_format is Format.JPG and size > _JPEG_PACKET_BYTES:
        raise UsageError(
            f"the record of how an image was made takes {size:,} bytes, and a JPEG holds {_JPEG_PACKET_BYTES:,}",
            "shorten the prompt, or write PNG or WebP",
        )
    carried = {"pnginfo": _chunks(packet, record)} if image_format is Format.PNG else _segments(packet, job)
    file = BytesIO()
    Image.fromarray(pixels).save(file, **_ENCODER[image_format], **carried)
    return file.getvalue()


def read(path: Path) -> Provenance:
    """How the image at ``path`` was made; its pixels are not decoded.

    Raises:
        ImageError: there is no such file, it is no image, or it carries no record or a broken one.
    """
    packet = _packet_of(path)
    # Asked first, so that a photo with somebody else's XMP is never called broken, nor its XML parsed.
    if _NAMESPACE.encode() not in packet:
        raise ImageError(path, "carries no record of how it was made", _NO_RECORD_HINT)
    try:
        record = _record_in(packet)
        made = None if record is None else Provenance.model_validate(json.loads(record))
    # Bad UTF-8, JSON and records are all ValueErrors; RecursionError is JSON nested too deep.
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        hint = "the file was changed after genie wrote it; its entry in the run's manifest may still be whole"
        raise ImageError(path, "carries a broken record of how it was made", hint) from error
    if made is None:
        raise ImageError(path, "carries no record of how it was made", _NO_RECORD_HINT)
    return made


def _packet(job: Job, record: str) -> str:
    """The XMP packet: IPTC's source type, the tool and the prompt for everyone, ``record`` (JSON) for genie."""
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
    """IPTC's identifier for "created by a model" or, where a source shows through, "edited by a model"."""
    return _CREATED if job.source is None or job.r > PURE_NOISE else _EDITED


def _tool() -> str:
    return f"genie {__version__}"


def _caption(job: Job) -> str:
    """The prompt; the few control characters that neither XML nor EXIF can hold are replaced by U+FFFD."""
    return _NOT_XML.sub("\ufffd", job.prompt)


def _escape(text: str) -> str:
    # A parser would turn a bare carriage return into a newline.
    return escape(text, {"\r": "&#13;"})


def _chunks(packet: str, record: str) -> PngImagePlugin.PngInfo:
    """PNG's text chunks, UTF-8 and not compressed."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", packet)
    chunks.add_itxt("genie", record)
    return chunks


def _segments(packet: str, job: Job) -> dict[str, Any]:
    """Metadata of JPEG and WebP. In JPEG the EXIF fits whenever the packet does: the packet holds the prompt twice."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _tool()
    # As bytes: Pillow would write a question mark for whatever is not ASCII. Readers expect UTF-8.
    exif[ExifTags.Base.ImageDescription] = _caption(job).encode()
    return {"xmp": packet.encode(), "exif": exif}


def _packet_of(path: Path) -> bytes:
    """The image's XMP packet, empty if it has none. Raises ``ImageError`` if it cannot be opened."""
    try:
        with Image.open(path, formats=[options["format"] for options in _ENCODER.values()]) as image:
            return bytes(image.info.get("xmp", b""))
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist") from error
    # What Pillow raises depends on where in the file it stumbles. Only errors of the file system have a strerror.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "is not a JPEG, PNG or WebP image"
        raise ImageError(path, reason, "name an image file that genie wrote") from error


def _record_in(packet: bytes) -> str | None:
    """genie's JSON in an XMP packet, ``None`` if there is none.

    Raises:
        ValueError: the packet is not UTF-8 or declares entities.
        ElementTree.ParseError: it is not XML.
    """
    # Decoded before the search and parsed as text: in another encoding a declaration would go unseen.
    text = packet.decode()
    # XMP needs neither, and entities are how a small XML file becomes gigabytes in memory.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the XMP packet declares a document type")
    for description in ElementTree.fromstring(text).iter(f"{{{_RDF}}}Description"):  # noqa: S314 no entities, see above
        # RDF may write a property as an attribute too, and other tools rewrite XMP that way.
        record = description.get(_RECORD) or description.findtext(_RECORD)
        if record is not None:
            return record
    return None
