"""Real photographs that ship inside scikit-learn and scikit-image, and image folders cut out of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

_FOLDERS = (("sklearn", "datasets/images"), ("skimage", "data"))


def photograph(name: str) -> Image.Image:
    """One of the photographs, in RGB, by the name of its file."""
    for package, folder in _FOLDERS:
        spec = find_spec(package)
        assert spec
        assert spec.origin
        path = Path(spec.origin).parent / folder / name
        if path.is_file():
            return Image.open(path).convert("RGB")
    raise FileNotFoundError(name)


def crops(name: str, count: int) -> list[Image.Image]:
    """Square crops of a photograph, each as wide as 0.85 of its shorter side, from left to right."""
    whole = photograph(name)
    side = round(0.85 * min(whole.size))
    top = (whole.height - side) // 2
    lefts = [round((whole.width - side) * (0.5 + share)) for share in _spread(count)]
    return [whole.crop((left, top, left + side, top + side)) for left in lefts]


def _spread(count: int) -> list[float]:
    """Shares of the free width, from -0.25 to 0.25: what a photograph shows is in its middle."""
    return [0.5 * index / max(count - 1, 1) - 0.25 for index in range(count)]


def save_crops(root: Path, names: dict[str, str], count: int) -> Path:
    """An image folder with so many crops of a photograph in each class; ``names`` is class to file name."""
    for label, name in names.items():
        (root / label).mkdir(parents=True)
        for index, crop in enumerate(crops(name, count)):
            crop.save(root / label / f"{index}.png")
    return root
