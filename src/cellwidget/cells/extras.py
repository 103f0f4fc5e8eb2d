"""What a batch may carry beside genes and counts: totals from obs, batch codes, random numbers of each cell's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.genes import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

BAD_TOTAL = "its total in obs is not above zero"


def totals_from(obs: pd.DataFrame, column: str) -> NDArray[np.float32]:
    """Read each cell's total from a column, float32 [cells]; cells where it is not above zero hold NaN.

    Raises
    ------
    InputError
        There is no such column, or it does not hold numbers.
    """
    _check_column(obs, column, "total")
    series = obs[column]
    if series.dtype.kind not in "iuf":
        raise InputError(
            f"total={column!r}: obs[{column!r}] holds {series.dtype}, not numbers. "
            f"Name a column of total counts per cell."
        )
    totals: NDArray[np.float32] = series.to_numpy(dtype=np.float32, na_value=np.nan, copy=True)
    totals[~((totals > 0) & np.isfinite(totals))] = np.nan
    return totals


def codes_from(obs: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """Read batch codes from a column, int64 [cells]: whole numbers as they are, else the position of each category.

    Raises
    ------
    InputError
        There is no such column, or cells are without a value.
    """
    _check_column(obs, column, "batch")
    series = obs[column]
    if series.isna().any():
        raise InputError(f"batch={column!r}: obs[{column!r}] is missing for some cells. Fill it in first.")
    if series.dtype.kind in "biu":
        codes: NDArray[np.int64] = series.to_numpy(dtype=np.int64, copy=True)
    else:
        codes = series.astype("category").cat.codes.to_numpy(dtype=np.int64)
    return codes


class CellUniform:
    """Random numbers that depend on the run's seed and a cell's name alone, not on its place or its company.

    Parameters
    ----------
    seed
        The run's seed.
    names
        Names of the cells; equal ones are told apart by their occurrence.
    size
        Numbers per cell.
    """

    def __init__(self, seed: int, names: pd.Index, size: int) -> None:
        self._seed = seed
        self._names = names
        self._size = size
        self._occurrence = names.to_series().groupby(level=0, sort=False).cumcount().to_numpy()

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Numbers in [0, 1), float64 [rows, size]."""
        out = np.empty((len(rows), self._size))
        # a counter-based generator, whose raw bits numpy keeps between versions; re-keying is cheaper than a new one
        generator = np.random.Philox(key=0)
        state = generator.state
        for place, row in enumerate(rows.tolist()):
            state["state"]["key"] = self._key(row)
            generator.state = state
            out[place] = generator.random_raw(self._size) >> np.uint64(11)
        return out * 2.0**-53

    def _key(self, row: int) -> NDArray[np.uint64]:
        text = f"{self._seed}\0{self._names[row]}\0{self._occurrence[row]}"
        return np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u8")


def _check_column(obs: pd.DataFrame, column: str, argument: str) -> None:
    if column not in obs.columns:
        there = ", ".join(repr(str(name)) for name in obs.columns[:8]) or "no column"
        raise InputError(f"{argument}={column!r} is not a column of obs, which has {there}.")


@dataclass(frozen=True, slots=True)
class Extras:
    """What batches carry beside genes and counts."""

    counted_totals: bool
    totals: NDArray[np.float32] | None
    uniform: CellUniform | None
    codes: NDArray[np.int64] | None
