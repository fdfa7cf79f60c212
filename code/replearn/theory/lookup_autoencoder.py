"""Autoencoders that memorise: no error on the training images, and any codes one likes.

The reconstruction objective measures the error on the training set and nothing else. A lookup table
makes it exactly zero, with codes in any arrangement and with any code for any other image. So it is
a counterexample to whatever the objective does not ask for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from replearn.engine import validation

Rule = Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n d"]]  # codes of unseen images


class LookupAutoencoder:
    """An encoder and decoder pair that is exact on the images it was given.

    Args:
        images: (n, 3, h, w) distinct training images.
        codes: (n, d) distinct codes, row i for image i.
        unseen: the rule that gives every other image its code.

    Raises:
        ValueError: if images or codes repeat, or if there are not as many of one as of the other.
    """

    @validation.arguments
    def __init__(
        self, images: Float[Tensor, "n 3 h w"], codes: Float[Tensor, "n d"], unseen: Rule
    ) -> None:
        """Write the table."""
        validation.finite("images", images)
        validation.finite("codes", codes)
        self._row = {_key(image): i for i, image in enumerate(images)}
        for name, distinct in (("images", len(self._row)), ("codes", len(codes.unique(dim=0)))):
            if distinct < len(images):
                raise ValueError(f"{name} must all be distinct, got {distinct} of {len(images)}")
        self._images, self._codes, self._unseen = images, codes, unseen

    @validation.arguments
    def encode(self, images: Float[Tensor, "m 3 h w"]) -> Float[Tensor, "m d"]:
        """Return the table's code of every known image, and the rule's code of the others."""
        rows = torch.tensor([self._row.get(_key(image), -1) for image in images])
        codes = self._codes[rows]
        if (rows < 0).any():
            codes[rows < 0] = self._unseen(images[rows < 0])
        return codes

    @validation.arguments
    def decode(self, codes: Float[Tensor, "m d"]) -> Float[Tensor, "m 3 h w"]:
        """Return the training image whose code is nearest."""
        # The faster matrix product would not give a distance of exactly 0 from a code to itself.
        distances = torch.cdist(codes, self._codes, compute_mode="donot_use_mm_for_euclid_dist")
        return self._images[distances.argmin(1)]


def _key(image: Float[Tensor, "3 h w"]) -> bytes:
    return image.numpy().tobytes()


@validation.arguments
def grouped(colors: Int[Tensor, " n"]) -> Float[Tensor, "n 1"]:
    """Return codes on a line, each colour c in its own stretch [2c, 2c + 1).

    Two images of one colour are less than 1 apart, two of different colours more than 1.

    Examples:
        >>> lookup_autoencoder.grouped(torch.tensor([0, 1, 0, 1])).flatten()
        tensor([0.0000, 2.2500, 0.5000, 2.7500], dtype=torch.float64)
    """
    return (2 * colors + torch.arange(len(colors), dtype=torch.float64) / len(colors))[:, None]


@validation.arguments
def interleaved(colors: Int[Tensor, " n"]) -> Float[Tensor, "n 1"]:
    """Return codes on a line on which colours take turns: image k of colour c is at k + c/C.

    Of C colours, two images of one colour are at least 1 apart, while the images number k of all
    colours lie within (C − 1)/C of each other.

    Examples:
        >>> lookup_autoencoder.interleaved(torch.tensor([0, 1, 0, 1])).flatten()
        tensor([0.0000, 0.5000, 1.0000, 1.5000], dtype=torch.float64)
    """
    colors = validation.labels("colors", colors)
    count = int(colors.max()) + 1
    turn = torch.nn.functional.one_hot(colors, count).cumsum(0).gather(1, colors[:, None]) - 1
    return turn + colors[:, None].double() / count


@validation.arguments
def rgb(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3"]:
    """Return the colour of the shape in each image: the largest value of each channel, on black."""
    return images.amax((-2, -1))


@validation.arguments
def same_as_nearest_color(images: Float[Tensor, "n 3 h w"], codes: Float[Tensor, "n d"]) -> Rule:
    """Return the rule that an unseen image has the code of the training image nearest in colour."""
    known = rgb(images)
    return lambda unseen: codes[torch.cdist(rgb(unseen), known).argmin(1)]


@validation.arguments
def always(code: Float[Tensor, " d"]) -> Rule:
    """Return the rule that every unseen image has the same ``code``."""
    return lambda unseen: code.expand(len(unseen), -1).clone()


@validation.arguments
def below_all(
    images: Float[Tensor, "n 3 h w"], colors: Int[Tensor, " n"], codes: Float[Tensor, "n 1"]
) -> Rule:
    """Return the rule that an unseen image of colour c has the code min(codes) − 1 − c.

    The code tells the colour. Yet the nearest training codes are the smallest ones, and so the same
    for every unseen image.
    """
    known = rgb(images)
    start = codes.min() - 1

    def rule(unseen: Tensor) -> Tensor:
        color = colors[torch.cdist(rgb(unseen), known).argmin(1)]
        return start - color[:, None].double()

    return rule


@validation.arguments
def decides(evidence: Real[Tensor, "n ..."], label: Real[Tensor, " n"]) -> bool:
    """Return whether ``label`` is a function of ``evidence``: equal rows have equal labels.

    Examples:
        >>> lookup_autoencoder.decides(torch.tensor([0, 0, 1]), torch.tensor([5, 5, 7]))
        True
        >>> lookup_autoencoder.decides(torch.tensor([0, 0, 1]), torch.tensor([5, 6, 7]))
        False
    """
    validation.finite("evidence", evidence)
    validation.finite("label", label)
    if not evidence.numel():
        raise ValueError(f"evidence must hold numbers, got shape {tuple(evidence.shape)}")
    _, cell = evidence.reshape(len(evidence), -1).unique(dim=0, return_inverse=True)
    pairs = torch.stack([cell, label.unique(return_inverse=True)[1]], 1)
    return len(pairs.unique(dim=0)) == len(cell.unique())


@validation.arguments
def ordered_triples(codes: Float[Tensor, "n d"], colors: Int[Tensor, " n"]) -> float:
    """Return the share of triples (x, y, z) in order, with x, y of one colour and z of another.

    In order means ‖f(x) − f(y)‖ < ‖f(x) − f(z)‖: the image of the same colour is closer.
    """
    validation.finite("codes", codes)
    distances = torch.cdist(codes, codes, compute_mode="donot_use_mm_for_euclid_dist")
    held = total = 0
    for i, row in enumerate(distances):
        same = colors == colors[i]
        to_others = row[~same].sort().values
        same[i] = False  # y is another image than x
        # For each y, count the z that are farther.
        farther = len(to_others) - torch.searchsorted(to_others, row[same], right=True)
        held += int(farther.sum())
        total += len(farther) * len(to_others)
    if total == 0:
        raise ValueError("colors must hold a pair of one colour, and another colour, got neither")
    return held / total
