"""Labels of any kind, and the names of classes that are numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Names = Mapping[int, str]


def text_of(value: Any) -> str:
    """A text that may be bytes, as Python 2 wrote it; ValueError if it is neither."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair is no text
        return str(value)
    raise ValueError(f"{type(value).__name__} where a text is expected")


def label_of(value: Any, names: Names) -> str:
    """The class that a label means: its name if it is a number that has one, else what it says.

    Raises:
        ValueError: it is empty, negative, which stands for no label, or neither a whole number nor a text.
    """
    if isinstance(value, str | bytes):
        text = text_of(value).strip()
        if not text:
            raise ValueError("an empty label")
        return text
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValueError(f"a label that is neither a number nor a text: {type(value).__name__}")
    if value != value or int(value) != value:
        raise ValueError(f"a label that is not a whole number: {value}")
    number = int(value)
    if number < 0:
        raise ValueError(f"the label {number}, which stands for none")
    if names and number not in names:
        raise ValueError(f"the label {number}, and {len(names)} classes have names")
    return names.get(number, str(number))


def numbered(names: Sequence[Any]) -> Names:
    """Names by their position. Of a name that several classes have, the number is added: "crane (134)".

    Raises:
        ValueError: one is no text, or empty.
    """
    return distinct({number: label_of(text_of(name), {}) for number, name in enumerate(names)})


def distinct(names: Names) -> Names:
    """The same, with the number added to a name that several classes have."""
    times = Counter(names.values())
    return {number: f"{name} ({number})" if times[name] > 1 else name for number, name in names.items()}
