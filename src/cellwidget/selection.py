"""What is selected: an immutable set of rows that knows its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray


class Selection:
    """Cells that are selected, in the order of the dataset.

    Two selections are equal when they hold the same rows.

    Parameters
    ----------
    mask
        Bool [n_obs].
    names
        The dataset's obs_names, [n_obs].
    """

    __slots__ = ("_mask", "_names")

    def __init__(self, mask: NDArray[np.bool_], names: pd.Index[str]) -> None:
        self._mask = np.array(mask, dtype=bool)
        self._mask.flags.writeable = False
        self._names = names

    @classmethod
    def of(cls, what: object, names: pd.Index[str]) -> Selection:
        """Make a selection of rows, names or a mask.

        Parameters
        ----------
        what
            A `Selection`, a bool mask [n_obs], row numbers, obs_names, or None for nothing.
        names
            The dataset's obs_names.

        Raises
        ------
        ValueError
            If a row is out of range, a name is not there, or a mask has another length.
        """
        if isinstance(what, Selection):
            if len(what._mask) != len(names):
                raise ValueError(f"the selection is of {len(what._mask):,} cells, this widget has {len(names):,}")
            return cls(what._mask, names)
        mask = np.zeros(len(names), dtype=bool)
        items = np.asarray([] if what is None else what)
        if items.ndim != 1:
            raise ValueError(f"a selection is a list of rows, names or a mask, not an array of {items.ndim} dimensions")
        if items.size == 0:
            return cls(mask, names)
        if items.dtype == bool:
            if len(items) != len(names):
                raise ValueError(f"the mask has {len(items):,} entries, there are {len(names):,} cells")
            mask |= items
        elif np.issubdtype(items.dtype, np.integer):
            if items.min() < -len(names) or items.max() >= len(names):
                raise ValueError(f"a row is out of range: rows are 0 to {len(names) - 1:,}")
            mask[items] = True
        else:
            wanted = set(items.tolist())
            found = names.isin(wanted)
            unknown = wanted.difference(names[found])
            if unknown:
                raise ValueError(f"no such obs_names: {', '.join(map(repr, sorted(map(str, unknown))[:3]))}")
            mask |= found
        return cls(mask, names)

    @classmethod
    def from_bits(cls, bits: bytes | memoryview, names: pd.Index[str]) -> Selection:
        """Read a bitset, least significant bit first, of ``(n_obs + 7) // 8`` bytes."""
        flags = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=len(names), bitorder="little")
        return cls(flags.astype(bool), names)

    def to_bits(self) -> bytes:
        """Write a bitset, least significant bit first."""
        return np.packbits(self._mask, bitorder="little").tobytes()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Bool [n_obs], read-only."""
        return self._mask

    @property
    def rows(self) -> NDArray[np.int64]:
        """Positions in the dataset, ascending."""
        return np.flatnonzero(self._mask)

    @property
    def obs_names(self) -> pd.Index[str]:
        """Names of the selected cells."""
        return self._names[self._mask]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the selected cells."""
        return iter(self.obs_names)

    def __len__(self) -> int:
        return int(self._mask.sum())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and np.array_equal(self._mask, other._mask)

    def __hash__(self) -> int:
        return hash(self._mask.tobytes())

    def __repr__(self) -> str:
        return f"Selection({len(self):,} of {len(self._mask):,} cells)"
