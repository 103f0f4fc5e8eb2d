"""From logits to labels: softmax over all classes, the best and the second best, and how undecided the model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Scores(NamedTuple):
    """Best and second class of some cells: codes, int64 [cells], and probabilities, float32 [cells].

    `entropy`, float32 [cells], is that of all classes: 0 where the model is sure, 1 where all are equally probable.
    """

    label: NDArray[np.int64]
    score: NDArray[np.float32]
    second: NDArray[np.int64]
    second_score: NDArray[np.float32]
    entropy: NDArray[np.float32]


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities over the last axis, float32, of logits that are divided by a temperature first."""
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)) / temperature)
    powers /= powers.sum(axis=-1, keepdims=True)
    probabilities: NDArray[np.float32] = powers.astype(np.float32, copy=False)
    return probabilities


def entropy_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shannon's entropy over the last axis, as a share of the largest possible (nats over log classes); float32.

    A single class leaves nothing undecided: 0.
    """
    classes = probabilities.shape[-1]
    if classes == 1:
        return np.zeros(probabilities.shape[:-1], dtype=np.float32)
    safe = np.maximum(probabilities, np.finfo(np.float32).tiny)  # 0 log 0 is 0
    shares = -(probabilities * np.log(safe)).sum(axis=-1, dtype=np.float64) / np.log(classes)
    result: NDArray[np.float32] = np.clip(shares, 0.0, 1.0).astype(np.float32)
    return result


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
        return Scores(label, score, label, np.zeros_like(score), entropy_of(probabilities))
    second = rest.argmax(axis=1)
    return Scores(label, score, second, rest[each, second], entropy_of(probabilities))
