"""How many cells to run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellwidget.bundle import Bundle

BYTES_PER_GENE = 24
"""What a graph that spreads a cell over all of the model's genes holds of it at once: some copies in 4 or 8 bytes."""
BYTES_PER_DENSE_GENE = 96
"""The same of a foreign one, which is handed the whole row: SIMS as published sorts every gene in float64, and takes 65
of them, 84 with attention, as measured."""
LADDER = (16, 64, 256, 1024)
TRIES = 4
"""Batches per size, of which the fastest counts: the first pays for memory, and other programs get in between."""
ENOUGH = 0.25
"""Seconds after which two tries must do."""
LONGEST = 1.0
"""Seconds of a batch, about: a pause takes effect within one."""
OVERHEAD = 1e-4
"""Seconds that a batch costs beside inference, about: results are filed."""
PORTION = 0.05
"""Seconds of work, about, that are read at once: threads take turns for each portion, and that costs too."""
WORTH = 1.05
"""How much faster a larger batch must be; else the smaller one shows its cells sooner."""
PROMISING = 1.25
"""How much faster it must be for a still larger one to be tried: trying costs time, and memory runs out of cache."""


def most_cells(working_bytes: int, bundle: Bundle) -> int:
    """Cells of one batch that so much memory allows, by estimate."""
    return max(1, working_bytes // _bytes_per_cell(bundle))


def _bytes_per_cell(bundle: Bundle) -> int:
    """Estimate what a graph holds of a cell at once; of a transformer's, the longest that there can be."""
    memory = bundle.manifest.memory
    if memory:
        tokens = memory["tokens"]
        return tokens * (memory["per_token"] + tokens * memory["per_pair"])
    each = BYTES_PER_GENE if bundle.naming is None else BYTES_PER_DENSE_GENE
    return each * max(1, len(bundle.genes))


class BatchSizes:
    """Chooses a batch size by measuring the first batches, from few cells to many; then keeps the fastest.

    Parameters
    ----------
    largest
        What memory allows.
    fixed
        A size that the caller chose; then nothing is measured.
    """

    def __init__(self, largest: int, fixed: int | None = None) -> None:
        if fixed is not None and fixed < 1:
            raise ValueError(f"batch_size must be at least 1, not {fixed}")
        self._steps = (fixed,) if fixed else tuple(dict.fromkeys(min(step, max(1, largest)) for step in LADDER))
        self._step = 0
        self._tries = 0
        self._spent = 0.0
        self._rates = dict.fromkeys(self._steps, 0.0)
        self._settled = len(self._steps) == 1
        self._limit: int | None = None

    @property
    def size(self) -> int:
        """Cells of the next batch."""
        size = self._steps[self._step]
        return size if self._limit is None else min(size, self._limit)

    @property
    def portion(self) -> int:
        """Cells to read at once: whole batches, and several of them where they are short."""
        if not self._settled:
            return self.size
        return self.size * max(1, round(PORTION * self._rates[self._steps[self._step]] / self.size))

    @property
    def settled(self) -> bool:
        """Whether measuring is over."""
        return self._settled

    def measured(self, cells: int, seconds: float) -> None:
        """Take in how long a batch took; only batches of the size being tried count."""
        size = self._steps[self._step]
        if self._settled or cells != size:
            return
        rate = cells / (seconds + OVERHEAD)
        self._rates[size] = max(self._rates[size], rate)
        self._tries += 1
        self._spent += seconds
        if self._tries >= TRIES or (self._tries > 1 and self._spent > ENOUGH) or seconds > LONGEST:
            self._move_on()

    def out_of_memory(self, cells: int) -> None:
        """Stay well below a batch that did not fit."""
        self._limit = max(1, cells // 2)
        self._settled = True

    def _move_on(self) -> None:
        best = self._steps[self._step]
        gain = self._rates[best] / self._rates[self._steps[self._step - 1]] if self._step else PROMISING
        if gain < PROMISING:
            self._step -= gain < WORTH
            self._settled = True
            return
        following = self._steps[self._step + 1 : self._step + 2]
        if not following or following[0] / self._rates[best] > LONGEST:
            self._settled = True
            return
        self._step += 1
        self._tries, self._spent = 0, 0.0
