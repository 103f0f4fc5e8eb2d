"""Cells that the model is too unsure of to have a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

UNASSIGNED = "unassigned"
UNASSIGNED_COLOR = "#9a9a9a"


def unassigned_name(classes: Collection[str]) -> str:
    """Name cells without a label as no class of the model is named."""
    name = UNASSIGNED
    while name in classes:
        name = f"{name} (low score)"
    return name


def below(score: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Tell which cells are below a threshold: in float32, as scores are, so that 0.9 is not below 0.9; NaN is not."""
    result: NDArray[np.bool_] = score < np.float32(threshold)
    return result


def check_threshold(value: object) -> float:
    """Give a threshold as a number.

    Raises
    ------
    ValueError
        If it is not one from 0 to 1.
    """
    number = float(value) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else np.nan
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"threshold must be a number from 0 (every cell has a label) to 1, not {value!r}")
    return number
