"""What kind of values a matrix holds, and how they are turned into raw counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cellwidget.cells.rows import Rows, reduce_rows, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NAN, INFINITE, NEGATIVE, FRACTION = (
    "a value is NaN",
    "a value is infinite",
    "a value is negative",
    "a value is not a whole number",
)
NOT_TRACED = "its values cannot be traced back to whole counts"
LARGEST = float(np.finfo(np.float32).max)
TOO_LARGE = "a value is too large for float32"
NOT_FINITE = (
    (NAN, np.isnan),
    (INFINITE, np.isinf),
)

NEAR_WHOLE = 0.1
"""How far from a whole number a quotient may lie. Values rounded to three decimals, as published files have them, stay
within; of values that are no counts, a fifth does, so that a cell of a dozen such values passes once in 10^8."""

TRACED_SHARE = 0.99
SMALLEST_COUNTS = (1, 2, 3, 4)
"""What the smallest count of a cell may be: nearly always 1, but cells with few genes exist."""


class Encoding(Protocol):
    """How counts are stored."""

    @property
    def words(self) -> str:
        """Name it for the user."""

    @property
    def exact(self) -> bool:
        """Whether nothing had to be undone."""

    def decode(self, rows: Rows) -> tuple[Rows, dict[int, str]]:
        """Give rows with counts as values, zeros left out, and why some rows, now without entries, cannot be used."""


@dataclass(frozen=True, slots=True)
class RawCounts:
    """Whole numbers, of whatever dtype."""

    words: str = "raw counts"
    exact: bool = True

    def decode(self, rows: Rows) -> tuple[Rows, dict[int, str]]:
        """Check that all values are counts."""
        if _all_counts(rows.values):
            return without(rows, rows.values == 0), {}
        tests = (*NOT_FINITE, (NEGATIVE, _negative), (FRACTION, _fraction))
        failed = failing_rows(rows, tests)
        return _without_rows(rows, failed), failed


@dataclass(frozen=True, slots=True)
class AsIs:
    """Any finite number, for models that take values as they are.

    Parameters
    ----------
    words
        Says too what the matrix seems to hold.
    """

    words: str = "taken as they are"
    exact: bool = True

    def decode(self, rows: Rows) -> tuple[Rows, dict[int, str]]:
        """Check that all values are finite, and will be in float32."""
        failed = {}
        if not _all_within(rows.values):
            failed = failing_rows(rows, (*NOT_FINITE, (TOO_LARGE, _too_large)))
        return _without_rows(rows, failed), failed


@dataclass(frozen=True, slots=True)
class Normalised:
    """Counts that were divided by something per cell, and perhaps went through log1p.

    Parameters
    ----------
    log_base
        Base of the logarithm; None where none was taken.
    """

    words: str
    log_base: float | None
    exact: bool = False

    def decode(self, rows: Rows) -> tuple[Rows, dict[int, str]]:
        """Undo the logarithm and trace each cell's values back to counts."""
        failed = {}
        if not _finite_and_positive(rows.values):
            failed = failing_rows(rows, (*NOT_FINITE, (NEGATIVE, _negative)))
        rows = _without_rows(rows, failed)
        counts, traced = whole_counts(self.linear(rows.values), rows.indptr)
        failed |= dict.fromkeys(np.flatnonzero(~traced).tolist(), NOT_TRACED)
        return _without_rows(Rows(rows.indptr, rows.columns, counts), failed), failed

    def linear(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Undo the logarithm."""
        linear = values.astype(np.float64)
        if self.log_base is None:
            return linear
        linear *= math.log(self.log_base)
        with np.errstate(over="ignore"):  # an infinite one is not whole, and so told of
            return np.expm1(linear, out=linear)


def recognise(sample: Rows, log_base: float) -> Encoding | str:
    """Tell how counts are stored from a sample of the cells.

    Parameters
    ----------
    sample
        Rows spread over the dataset, in canonical form.
    log_base
        Base of the logarithm, should one have been taken.

    Returns
    -------
    Encoding or str
        The encoding; or in words what the matrix holds instead, to follow its name.
    """
    values = sample.values
    if not np.any(values):
        return "holds only zeros in the cells looked at"
    if _all_counts(values):
        return RawCounts()
    if not np.isfinite(values).all():
        return "holds NaN or infinite values"
    if np.any(values < 0):
        return "holds negative values, as scaled data do"
    rows = without(sample, values == 0)
    for words, base in (("log1p of ", log_base), ("", None)):
        encoding = Normalised(words, base)
        linear = encoding.linear(rows.values)
        if _traced(linear, rows.indptr):
            return Normalised(f"{words}{_divided(linear, rows.indptr)}, inverted", base)
    return "holds values that are neither whole numbers nor log1p of normalised counts"


def whole_counts(
    linear: NDArray[np.float64], indptr: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Trace values proportional to counts, with a factor of each row's own, back to the counts.

    Parameters
    ----------
    linear
        Values above zero, float64.
    indptr
        Where each row begins and ends in them.

    Returns
    -------
    tuple
        The counts, float64 like `linear`, and for each row whether all its values came out whole.
    """
    counts = np.zeros_like(linear)
    open_rows = np.ones(len(indptr) - 1, dtype=bool)
    lengths = np.diff(indptr)
    for smallest in SMALLEST_COUNTS:
        entries = np.repeat(open_rows, lengths)
        tried = linear[entries]
        starts = np.concatenate([[0], np.cumsum(lengths[open_rows])])
        found, whole = _quotients(tried, starts, smallest)
        counts[entries] = found
        open_rows[open_rows] = ~whole
        if not open_rows.any():
            break
    return counts, ~open_rows


def _quotients(
    linear: NDArray[np.float64], indptr: NDArray[np.int64], smallest: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    lengths = np.diff(indptr)
    unit = reduce_rows(np.minimum, linear, indptr) / smallest
    unit[lengths == 0] = 1.0
    with np.errstate(invalid="ignore"):  # from infinite values, which make NaN of the distance
        for limit in (8, 64, np.inf):
            # the unit is known as sharply as the smallest value; it sharpens with each round over larger counts
            counts = np.rint(linear / np.repeat(unit, lengths))
            small = (counts > 0) & (counts <= limit)
            known = reduce_rows(np.add, np.where(small, counts, 0.0), indptr)
            total = reduce_rows(np.add, np.where(small, linear, 0.0), indptr)
            np.divide(total, known, out=unit, where=known > 0)
        quotients = linear / np.repeat(unit, lengths)
        counts = np.rint(quotients)
        far = reduce_rows(np.maximum, np.abs(quotients - counts), indptr)
    return counts, far <= NEAR_WHOLE


def _traced(linear: NDArray[np.float64], indptr: NDArray[np.int64]) -> bool:
    counts, whole = whole_counts(linear, indptr)
    # a cell whose counts are all equal comes out whole from whatever values
    telling = reduce_rows(np.maximum, counts, indptr) > reduce_rows(np.minimum, counts, indptr)
    telling |= ~whole
    return bool(np.any(telling & whole)) and float(whole[telling].mean()) >= TRACED_SHARE


def _divided(linear: NDArray[np.float64], indptr: NDArray[np.int64]) -> str:
    sums = reduce_rows(np.add, linear, indptr)
    sums = sums[sums > 0]
    target = float(np.median(sums))
    if np.ptp(sums) < 1e-3 * target:
        return f"counts per {target:,.0f}"
    if np.allclose(linear, np.rint(linear), rtol=1e-4):
        return "counts"
    return "normalised counts"


def failing_rows(
    rows: Rows, tests: tuple[tuple[str, Callable[[NDArray[Any]], NDArray[np.bool_]]], ...]
) -> dict[int, str]:
    """Find the first reason of each row that has one."""
    failed: dict[int, str] = {}
    for reason, test in tests:
        for row in np.unique(rows.of_entries(np.flatnonzero(test(rows.values)))).tolist():
            failed.setdefault(row, reason)
    return failed


def first_bad(rows: Rows) -> tuple[int, int] | None:
    """Row and column of the first value that is not finite."""
    bad = np.flatnonzero(~np.isfinite(rows.values))
    if not len(bad):
        return None
    return int(rows.of_entries(bad[:1])[0]), int(rows.columns[bad[0]])


def _without_rows(rows: Rows, failed: dict[int, str]) -> Rows:
    drop = rows.values == 0
    if failed:
        out = np.zeros(len(rows), dtype=bool)
        out[list(failed)] = True
        drop |= np.repeat(out, np.diff(rows.indptr))
    return without(rows, drop)


def _all_counts(values: NDArray[Any]) -> bool:
    if values.dtype.kind in "bu" or not len(values):
        return True
    if values.dtype.kind == "i":
        return bool(values.min() >= 0)
    # NaN makes both comparisons false
    return bool(values.min() >= 0 and values.max() < np.inf and np.array_equal(values, np.rint(values)))


def _finite_and_positive(values: NDArray[Any]) -> bool:
    return not len(values) or bool(values.min() >= 0 and values.max() < np.inf)


def _negative(values: NDArray[Any]) -> NDArray[np.bool_]:
    below: NDArray[np.bool_] = values < 0
    return below


def _fraction(values: NDArray[Any]) -> NDArray[np.bool_]:
    broken: NDArray[np.bool_] = values != np.rint(values)
    return broken


def _all_within(values: NDArray[Any]) -> bool:
    # NaN makes both comparisons false
    return not len(values) or bool(values.min() >= -LARGEST and values.max() <= LARGEST)


def _too_large(values: NDArray[Any]) -> NDArray[np.bool_]:
    large: NDArray[np.bool_] = np.abs(values.astype(np.float64)) > LARGEST
    return large
