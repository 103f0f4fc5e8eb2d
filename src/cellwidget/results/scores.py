"""From logits to labels: softmax over all classes, the best and the second best."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Scores(NamedTuple):
    """Best and second class of some cells: codes, int64 [cells], and probabilities, float32 [cells]."""

    label: NDArray[np.int64]
    score: NDArray[np.float32]
    second: NDArray[np.int64]
    second_score: NDArray[np.float32]


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities over the last axis, float32, of logits that are divided by a temperature first."""
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)) / temperature)
    powers /= powers.sum(axis=-1, keepdims=True)
    probabilities: NDArray[np.float32] = powers.astype(np.float32, copy=False)
    return probabilities


def best_two(logits: NDArray[np.floating], temperature: float = 1.0) -> Scores:
    """Find the two most probable classes of each cell; the earlier class where two are equal.

    Parameters
    ----------
    logits
        Float [cells, classes], at least one class, without NaN. With a single class the second is the first with
        probability 0.
    temperature
        What they are divided by; labels do not depend on it.
    """
    each = np.arange(len(logits))
    probabilities = softmax(logits, temperature)
    label = logits.argmax(axis=1)
    score = probabilities[each, label]
    rest = probabilities.copy()
    rest[each, label] = -1.0
    if rest.shape[1] == 1:
        return Scores(label, score, label, np.zeros_like(score))
    second = rest.argmax(axis=1)
    return Scores(label, score, second, rest[each, second])
