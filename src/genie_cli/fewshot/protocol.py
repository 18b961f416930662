"""How often a classifier sees the real images of a support set, beside what an augmentation adds to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """One way to fill a support set. With ``none`` each support image is seen whole, once, in every protocol.

    Attributes:
        whole: each support image is seen whole, once, with every augmentation.
        crops: random views of each support image; 0: as many as images are generated for it, ways - 1.
        crops_beside_generated: generative augmentations have these random views, too.
    """

    whole: bool
    crops: int
    crops_beside_generated: bool

    def turns(self, ways: int) -> int:
        """Random views of each support image in an episode of so many ways."""
        return self.crops or ways - 1


# The authors' code: five random crops of each support image, and generated images beside them.
FEWSHOT = Protocol(whole=False, crops=5, crops_beside_generated=True)

# Paper, section 4.3: "no additional augmentation is used for generative methods", and the weak baseline has as many
# random views as the others have generated images. So every classifier but that of ``none`` has ways * shots rows a
# class.
FINEGRAINED = Protocol(whole=True, crops=0, crops_beside_generated=False)
