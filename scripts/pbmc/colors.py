"""Colours by the map: classes that touch get colours that are far apart, for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# fmt: off
PALETTE = [
    "#6e87ca", "#c7780d", "#389857", "#b553a1", "#3ca1a1", "#814ab4", "#cfa21c",
    "#c54d1b", "#79b9f2", "#6a7649", "#70376b", "#76b792", "#414592", "#f29076",
    "#216a52", "#a294cd", "#844c20", "#de9bbf", "#50727f",
]
# fmt: on
"""The widget's twenty, light tuning, without the taupe that is kept for rejects; the first is calm: for most cells."""

# Machado, Oliveira and Fernandes 2009, full severity, in linear RGB.
DEUTERANOPE = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPE = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
TO_LMS = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
          [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
TO_LAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
          [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip

TRIES = 40_000


def assign(xy: NDArray[np.float32], codes: NDArray[np.intp], classes: int, seed: int) -> list[str]:
    """Choose a colour per class.

    Parameters
    ----------
    xy
        Places of cells, [cells, 2].
    codes
        Their classes.
    classes
        How many there are, at most 19.
    seed
        Of the search.
    """
    touch, apart = touching(xy, codes, classes), distances(PALETTE)
    largest = int(np.bincount(codes, minlength=classes).argmax())
    rng = np.random.default_rng(seed)
    order = np.concatenate([[0], 1 + rng.permutation(len(PALETTE) - 1)])
    order[[0, largest]] = order[[largest, 0]]

    def cost(chosen: NDArray[np.intp]) -> float:
        return float((touch / (apart[np.ix_(chosen, chosen)] ** 2 + 1e-3)).sum())

    best = cost(order[:classes])
    movable = [place for place in range(len(PALETTE)) if place != largest]
    for _ in range(TRIES):
        a, b = rng.choice(movable, 2, replace=False)
        order[[a, b]] = order[[b, a]]
        now = cost(order[:classes])
        if now <= best:
            best = now
        else:
            order[[a, b]] = order[[b, a]]
    return [PALETTE[number] for number in order[:classes]]


def touching(xy: NDArray[np.float32], codes: NDArray[np.intp], classes: int) -> Floats:
    """How near classes come to each other, [classes, classes]: 1 / their closest tenth of distances, squared."""
    weights = np.zeros((classes, classes))
    for a in range(classes):
        for b in range(a):
            between = np.linalg.norm(xy[codes == a][:, None] - xy[codes == b][None], axis=2)
            weights[a, b] = weights[b, a] = 1 / (np.quantile(between, 0.1) + 0.5) ** 2
    return weights


def distances(colors: list[str]) -> Floats:
    """Smallest OKLab distance of each two, with full sight and without red or green, [colors, colors]."""
    rgb = np.array([[int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)] for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = []
    for sight in (np.eye(3), np.array(DEUTERANOPE), np.array(PROTANOPE)):
        lms = np.clip(linear @ sight.T, 0, 1) @ np.array(TO_LMS).T
        lab = np.cbrt(lms) @ np.array(TO_LAB).T
        seen.append(np.linalg.norm(lab[:, None] - lab[None], axis=2))
    return np.minimum.reduce(seen)
