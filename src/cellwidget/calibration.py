"""Calibration: one temperature that makes a model's scores as often right as they say.

Guo et al., On calibration of modern neural networks, ICML 2017. Labels never change, since all logits of a cell are
divided by the same number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cellwidget.genes import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]
    Codes = NDArray[np.int64]

FEWEST = 30
"""Of fewer labelled cells a temperature says more about these cells than about the model."""
FOLDS = 5
BINS = 10
LOWEST, HIGHEST = 0.05, 20.0
UNSEEN = -745.0
"""Log-probability of what a model holds impossible: that of the smallest float64."""
MOST_NAMED = 5


class Reliability(NamedTuple):
    """How well scores tell how often labels are right.

    `ece` is the expected calibration error over bins of equal width, `nll` the mean negative log-likelihood of the
    true labels in nats, `brier` the mean squared error over all classes (0 to 2), `accuracy` the share of right labels.
    """

    ece: float
    nll: float
    brier: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """What a calibration found; prints as a table.

    Parameters
    ----------
    temperature
        What logits are divided by from now on, fitted to all cells that were used.
    cells
        How many cells were used.
    before, after
        Reliability with the temperature that the model had, and with the new one. `after` is measured on cells that
        the temperature they are divided by was not fitted to: cells are split into five parts, and each part is judged
        by a temperature that the others gave.
    table
        Reliability by bin of the score: ``when`` ("before" or "after"), ``bin``, mean ``confidence`` (the score) and
        ``accuracy`` of its cells, NaN where there is none, and the number of ``cells``.
    unknown
        Labels that the model does not have, with their cells, which were left out.
    notes
        What else should be known, in sentences.
    """

    temperature: float
    cells: int
    before: Reliability
    after: Reliability
    table: pd.DataFrame = field(repr=False)
    unknown: dict[str, int]
    notes: list[str]

    def __str__(self) -> str:
        names = {"ece": "ECE", "nll": "NLL", "brier": "Brier", "accuracy": "accuracy"}
        lines = [
            f"temperature {self.temperature:.3g}, from {self.cells:,} cells",
            f"  {'':<10}{'before':>8}{'after':>8}",
        ]
        for key, name in names.items():
            lines.append(f"  {name:<10}{getattr(self.before, key):>8.3f}{getattr(self.after, key):>8.3f}")
        if self.unknown:
            lines.append(f"  left out: {_counted(self.unknown)}, labels that the model does not have")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return str(self)


class Labelled(NamedTuple):
    """Labels as class codes: int64 [cells], -1 for none; labels that the model does not have; cells without a label."""

    codes: Codes
    unknown: dict[str, int]
    missing: int


def class_codes(labels: pd.Series[Any], classes: Sequence[str]) -> Labelled:
    """Match labels to a model's classes by name."""
    code_of = {name: code for code, name in enumerate(classes)}
    there = labels.notna().to_numpy()
    names = [str(label) if known else None for label, known in zip(labels, there, strict=True)]
    codes = np.array([-1 if name is None else code_of.get(name, -1) for name in names], dtype=np.int64)
    unknown = Counter(name for name in names if name is not None and name not in code_of)
    return Labelled(codes, dict(unknown.most_common()), int(np.count_nonzero(~there)))


def calibrate(
    logits: NDArray[np.floating],
    labelled: Labelled,
    *,
    temperature: float = 1.0,
    bins: int = BINS,
    seed: int = 0,
) -> Calibration:
    """Fit the temperature under which true labels are most likely.

    Parameters
    ----------
    logits
        As the graph gives them, [cells, classes]; a cell with NaN is left out.
    labelled
        The true labels.
    temperature
        What the model divides by so far.
    bins
        Number of bins of the reliability.
    seed
        Of the split.

    Raises
    ------
    InputError
        If labels and results do not go together, or cells or classes are too few.
    """
    used = np.flatnonzero((labelled.codes >= 0) & np.isfinite(logits.max(axis=1, initial=-np.inf)))
    codes, values = labelled.codes[used], logits[used].astype(np.float64)
    _check(codes, labelled, logits.shape[1])
    kept = _sensible(fit_temperature(values, codes), bool((values.argmax(axis=1) == codes).all()))
    after = np.empty_like(values)
    fold = _folds(codes, seed)
    for number in range(FOLDS):
        out = fold == number
        after[out] = values[out] / fit_temperature(values[~out], codes[~out])
    measured = {"before": values / temperature, "after": after}
    sides = {when: _log_probabilities(side) for when, side in measured.items()}
    edges = np.linspace(0.0, 1.0, bins + 1)
    return Calibration(
        temperature=kept,
        cells=len(codes),
        before=reliability(sides["before"], codes, edges),
        after=reliability(sides["after"], codes, edges),
        table=_table(sides, codes, edges),
        unknown=labelled.unknown,
        notes=_notes(labelled.missing, int(np.count_nonzero(labelled.codes >= 0)) - len(used)),
    )


def fit_temperature(logits: Doubles, codes: Codes) -> float:
    """Minimise the negative log-likelihood of the codes over the logarithm of the temperature."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return _nll(_log_probabilities(logits / np.exp(log_temperature)), codes)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def reliability(log_probabilities: Doubles, codes: Codes, edges: Doubles) -> Reliability:
    """Measure probabilities [cells, classes] against true codes [cells]; `edges` are those of the score's bins."""
    probabilities = np.exp(log_probabilities)
    right, score, at = _binned(probabilities, codes, edges)
    gap = np.bincount(at, weights=right - score, minlength=len(edges) - 1)
    truth = probabilities[np.arange(len(codes)), codes]
    brier = np.square(probabilities).sum(axis=1) - 2 * truth + 1
    return Reliability(
        ece=float(np.abs(gap).sum() / len(codes)),
        nll=_nll(log_probabilities, codes),
        brier=float(brier.mean()),
        accuracy=float(right.mean()),
    )


def _log_probabilities(logits: Doubles) -> Doubles:
    from scipy.special import log_softmax

    values: Doubles = np.maximum(log_softmax(logits, axis=1), UNSEEN)
    return values


def _nll(log_probabilities: Doubles, codes: Codes) -> float:
    return float(-log_probabilities[np.arange(len(codes)), codes].mean())


def _binned(probabilities: Doubles, codes: Codes, edges: Doubles) -> tuple[Doubles, Doubles, Codes]:
    """Tell of each cell whether it is right, its score, and the bin of that."""
    score = probabilities.max(axis=1)
    at = np.clip(np.searchsorted(edges, score, side="left") - 1, 0, len(edges) - 2)  # bins hold their upper edge
    return (probabilities.argmax(axis=1) == codes).astype(np.float64), score, at


def _table(sides: dict[str, Doubles], codes: Codes, edges: Doubles) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for when, log_probabilities in sides.items():
        right, score, at = _binned(np.exp(log_probabilities), codes, edges)
        cells = np.bincount(at, minlength=len(edges) - 1)
        sums = [np.bincount(at, weights=values, minlength=len(cells)) for values in (score, right)]
        confidence, accuracy = (
            np.divide(total, cells, out=np.full(len(cells), np.nan), where=cells > 0) for total in sums
        )
        columns = {"confidence": confidence, "accuracy": accuracy, "cells": cells}
        parts.append(pd.DataFrame({"when": when, "bin": pd.IntervalIndex.from_breaks(edges.round(6)), **columns}))
    return pd.concat(parts, ignore_index=True)


def _folds(codes: Codes, seed: int) -> Codes:
    """Split cells into parts that hold of every class nearly the same number."""
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty_like(codes)
    fold[by_class] = np.arange(len(codes)) % FOLDS
    return fold


def _check(codes: Codes, labelled: Labelled, classes: int) -> None:
    strangers = f" Labels that the model does not have: {_counted(labelled.unknown)}." if labelled.unknown else ""
    if not len(codes):
        raise InputError(f"None of the cells has both a result and a label that the model knows.{strangers}")
    if len(codes) < FEWEST:
        raise InputError(
            f"Only {len(codes):,} cells have both a result and a label that the model knows; a calibration needs "
            f"{FEWEST} at least.{strangers}"
        )
    if classes < 2 or len(np.unique(codes)) < 2:
        raise InputError(f"A calibration needs cells of two classes at least; all of these have the same.{strangers}")


def _sensible(temperature: float, all_right: bool) -> float:
    """Refuse cells that every lower temperature, or every higher one, fits better."""
    if all_right:
        raise InputError(
            "All of these cells are labelled rightly, which tells nothing of how often scores are wrong. "
            "Calibrate on more cells, or on cells that the model was not trained on."
        )
    if temperature > 0.99 * HIGHEST:
        raise InputError("The labels have nothing to do with the model's: are they in the right column and order?")
    return temperature


def _notes(missing: int, failed: int) -> list[str]:
    notes = []
    if missing:
        notes.append(f"{missing:,} cells without a label were left out.")
    if failed:
        notes.append(f"{failed:,} labelled cells without a result were left out.")
    return notes


def _counted(names: dict[str, int]) -> str:
    told = ", ".join(f"{name[:40]!r} ({cells:,})" for name, cells in list(names.items())[:MOST_NAMED])
    return told if len(names) <= MOST_NAMED else f"{told} and {len(names) - MOST_NAMED:,} more"
