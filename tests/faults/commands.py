"""The commands that the campaign breaks, on inputs so small that each takes a second or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MODEL = ("--model", "digits", "--steps", "2", "--slots", "2", "--r", "1")
_MADE = ("generate", *_MODEL, "--src-dir", "photos", "--targets", "three,seven", "--per-target", "2", "--out", "made")
_SMALL = ("--backbone", "digits", "--ways", "2", "--episodes", "2")
_LISTS = ("--shots", "1", "--queries", "1")
_FEW = ("fewshot", "--dataset", "folder", "--data-dir", "photos", *_SMALL, *_LISTS, "--augment", "weak,genie", *_MODEL)
_FINE = ("finegrained", "--dataset", "folder", "--data-dir", "split", *_SMALL, "--augment", "none")
_NETWORK = ("--network", "test_resnet", "--epochs", "2", "--warmup-epochs", "0", "--batch", "4", "--num-workers", "0")
_TAIL = ("longtail", "--dataset", "folder", "--data-dir", "split", "--seeds", "0", "--augment", "none", *_NETWORK)


@dataclass(frozen=True)
class Command:
    """A command, as it is typed.

    Attributes:
        before: commands whose results it reads.
        once: is refused when it was done already, since it replaces nothing.
        cut: files that it reads, by glob patterns; one that is cut short must be refused, or be of no consequence.
        flipped: the same for a flipped bit: files with a checksum.
        images: whether its images can be made by two shards.
    """

    name: str
    words: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    once: bool = False
    cut: Sequence[str] = ()
    flipped: Sequence[str] = ()
    images: bool = False


_FEW_OUT = (*_FEW, "--out", "few")
_FEW_PLAN = (*_FEW, "--plan-out", "plan.jsonl", "--out", "few")
_CONFUSE = ("confuse", "--src-dir", "photos", "--backbone", "digits", "--folds", "2", "--out", "confusion.json")
_PLANNED = ("generate", "--model", "digits", "--steps", "2", "--slots", "2", "--plan", "plan.jsonl")
_PREDICTED = ("confuse", "--from-predictions", "own.csv", "--out", "confusion.json")
_EXPORTED = ("export", "made", "--with", "photos", "--out", "set")
_SHARDED = (*_EXPORTED, "--format", "webdataset")
_UNPACKED = ("unpack", "set/data/train-00000-of-00001.tar", "--out", "folders")
_GALLERY = ("gallery", "made", "--out", "page")
_CACHED = "cache/genie/features/*.sqlite"

COMMANDS = (
    Command("init", ("init", "--out", "genie.toml"), once=True),
    Command("config", ("config", "--config", "own.toml")),
    Command("doctor", ("doctor", "--out", ".", "--json")),
    Command("confuse", _CONFUSE),
    Command("confuse, again", _CONFUSE, before=(_CONFUSE,), cut=(_CACHED,), flipped=(_CACHED,)),
    Command("confuse --from-predictions", _PREDICTED),
    Command("generate", _MADE, images=True),
    Command("generate, grown", (*_MADE, "--targets", "two"), before=(_MADE,), cut=("made/manifest.jsonl",)),
    Command(
        "status", ("status", "made", "--check"), before=(_MADE,), cut=("made/manifest.jsonl", "made/train/*/*.jpg")
    ),
    Command(
        "generate --plan",
        (*_PLANNED, "--out", "new"),
        before=(_FEW_PLAN,),
        cut=("plan.jsonl",),
    ),
    Command("fewshot --plan-out", _FEW_PLAN),
    Command("explain", ("explain", "first.jpg"), before=(_MADE,), cut=("first.jpg",), flipped=("first.jpg",)),
    Command(
        "oracle",
        ("oracle", "made", "--soft-labels", "--out", "made/judged.jsonl"),
        before=(_MADE,),
        cut=("made/manifest.jsonl", "made/train/*/*.jpg"),
        flipped=("made/train/*/*.jpg",),
    ),
    Command(
        "oracle --write-class-map",
        ("oracle", "made", "--write-class-map", "map.csv"),
        before=(_MADE,),
        once=True,
    ),
    Command(
        "select",
        (
            "select",
            "made/judged.jsonl",
            "--verdict",
            "hard,easy",
            "--held-out",
            "split/test",
            "--backbone",
            "digits",
            "--out",
            "made/selected.jsonl",
        ),
        before=(_MADE, ("oracle", "made", "--out", "made/judged.jsonl")),
        cut=("made/judged.jsonl",),
    ),
    Command(
        "export",
        _EXPORTED,
        before=(_MADE,),
        cut=("made/manifest.jsonl", "made/train/*/*.jpg"),
        flipped=("made/train/*/*.jpg",),
    ),
    Command(
        "export, again",
        _SHARDED,
        before=(_MADE, _SHARDED),
        cut=("set/data/*.tar", "set/.genie/export.json"),
        flipped=("set/data/*.tar",),
    ),
    Command("unpack", _UNPACKED, before=(_MADE, _SHARDED), cut=("set/data/*.tar",)),
    Command("unpack, again", _UNPACKED, before=(_MADE, _SHARDED, _UNPACKED), cut=("folders/.genie/unpack.json",)),
    Command("gallery", _GALLERY, before=(_MADE,), cut=("made/manifest.jsonl",)),
    Command(
        "gallery, again", _GALLERY, before=(_MADE, _GALLERY), cut=("page/.genie/sheets.jsonl", "page/sheets/*.jpg")
    ),
    Command("fewshot", _FEW_OUT),
    Command(
        "fewshot, again",
        _FEW_OUT,
        before=(_FEW_OUT,),
        cut=("few/.genie/results.json", "few/images/train/*/*.png", _CACHED),
        flipped=("few/images/train/*/*.png", _CACHED),
    ),
    Command("finegrained", (*_FINE, "--out", "fine")),
    Command("longtail", (*_TAIL, "--out", "tail")),
    Command(
        "longtail, again",
        (*_TAIL, "--out", "tail"),
        before=((*_TAIL, "--out", "tail"),),
        cut=("tail/trainings/*/result.json",),
        flipped=("tail/trainings/*/result.json",),
    ),
)
