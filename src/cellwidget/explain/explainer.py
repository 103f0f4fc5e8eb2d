"""Which genes a model's labels rest on: per class, per selection, per cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.engines.kernel import KernelEngine
from cellwidget.explain.occlusion import EDITS, occluded
from cellwidget.messages import DONE
from cellwidget.results import WEIGHTINGS
from cellwidget.results.scores import softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from cellwidget.batch import Batch
    from cellwidget.bundle import Bundle
    from cellwidget.cells import Cells
    from cellwidget.messages import ExplainedGene, ExplainedGroup
    from cellwidget.results import Results

    Tick = Callable[[float], None]

OCCLUSION = "occlusion"
SAMPLED = {OCCLUSION: 100}
SAMPLED_ATTENTION = 2_000
"""Cells that a large group is explained from: by attention each costs a run, by occlusion one per expressed gene."""
SAMPLED_OVERVIEW = 100
"""Of each class where all of them are asked for, again and again while a run goes on: there may be hundreds."""
NEIGHBOURHOODS = 10
"""Runs of neighbours that a sample of a file consists of."""
BATCH = 256
SEED = 0


@dataclass(frozen=True)
class Profile:
    """What the labels of some cells rest on.

    Parameters
    ----------
    weights
        Mean per cell, float64 [genes of the model]. Attention: masks summed over the model's steps, weighted or not.
        Occlusion: probability of the cell's label that removing the gene takes away.
    expressed
        Share of the cells looked at in which each gene is expressed, float64 [genes].
    cells, total
        How many cells this is from, and of how many.
    counts
        Of a single cell, float32 [genes].
    """

    weights: NDArray[np.float64]
    expressed: NDArray[np.float64]
    cells: int
    total: int
    counts: NDArray[np.float32] | None = None

    def top(self, n: int, genes: list[str]) -> list[ExplainedGene]:
        """Give the `n` genes of most weight, of either sign, heaviest first; those without any are left out."""
        size = np.abs(self.weights)
        whole = max(float(size.sum()), np.finfo(np.float64).tiny)
        order = np.argsort(-size, kind="stable")[:n]
        return [
            {
                "gene": genes[place],
                "weight": float(self.weights[place]),
                "share": float(size[place]) / whole,
                "expressed": float(self.expressed[place]),
                "count": None if self.counts is None else float(self.counts[place]),
            }
            for place in order[size[order] > 0].tolist()
        ]


class Explainer:
    """Explains one run's labels, from what the run gathered or by running some cells again.

    Parameters
    ----------
    bundle, cells, results
        The model, what it is run on, and what the run fills.
    threads
        Threads of the computation; None for all cores.
    """

    def __init__(self, bundle: Bundle, cells: Cells, results: Results, threads: int | None = None) -> None:
        self.cells = cells
        self.classes = bundle.classes
        self._genes = bundle.genes
        self._results = results
        weightings = [name for name in WEIGHTINGS if name in bundle.outputs]
        self.methods = [*weightings, *([OCCLUSION] if bundle.classes else [])]
        self._looking = KernelEngine(bundle, threads=threads, outputs=[*weightings, "attention_genes"])
        self._labelling = KernelEngine(bundle, threads=threads, outputs=["logits"])

    def method(self, asked: str) -> str:
        """Choose a method: "auto" is the first of those that the model has.

        Raises
        ------
        ValueError
            If it has none, or not the one asked for.
        """
        if not self.methods:
            raise ValueError("This model gives neither attention nor labels, so there is nothing to explain.")
        if asked == "auto":
            return self.methods[0]
        if asked not in self.methods:
            there = ", ".join(map(repr, self.methods))
            raise ValueError(f"method={asked!r} cannot be used with this model, choose 'auto' or one of {there}.")
        return asked

    def labelled(self) -> NDArray[np.int64]:
        """How many cells each class has so far, int64 [classes]."""
        labels = self._results.label[self._results.state == DONE]
        return np.bincount(labels[labels != self._results.missing], minlength=len(self.classes))

    def of_class(self, code: int, method: str, tick: Tick = lambda _: None, most: int | None = None) -> Profile:
        """Explain the cells that have a label so far; from the run's own sums where it gathered some.

        Parameters
        ----------
        code, method, tick
            Which label, how, and what hears of the share that is done.
        most
            Cells that are looked at again, at most; None for as many as the method bears.

        Raises
        ------
        ValueError
            If no cell has it.
        """
        rows = np.flatnonzero((self._results.state == DONE) & (self._results.label == code))
        if not len(rows):
            raise ValueError(f"No cell is labelled {self.classes[code]!r} yet.")
        attention = self._results.attention
        if attention is None or method not in attention.weightings:
            return self.of_rows(rows, method, tick, most)
        sums = attention.of(method, code)
        expressed = self._expressed(self._sample(rows, _limit(method, most)), tick)
        return Profile(sums.weights / max(1, sums.cells), expressed, sums.cells, sums.cells)

    def of_rows(
        self, rows: NDArray[np.int64], method: str, tick: Tick = lambda _: None, most: int | None = None
    ) -> Profile:
        """Explain some cells, by running them again: all of them, or a sample that is always the same.

        Raises
        ------
        ValueError
            If none of them can be run; the message says why.
        """
        if not len(rows):
            raise ValueError("There are no cells to explain.")
        sample = self._sample(np.sort(rows), _limit(method, most))
        weights, expressed = np.zeros(len(self._genes)), np.zeros(len(self._genes))
        used, reason, counts = 0, "", None
        for share, batch, failed in self._batches(sample):
            reason = next(iter(failed.values()), reason)
            if not len(batch):
                continue
            step = len(batch) / len(sample)
            for part, (places, lost) in self._weights(batch, method):
                np.add.at(weights, places, lost)
                tick(share + part * step)
            _count(expressed, batch)
            used += len(batch)
            counts = _spread(batch, len(self._genes)) if len(rows) == 1 else None
        if not used:
            raise ValueError(f"None of these cells can be run: {reason}.")
        return Profile(weights / used, expressed / used, used, len(rows), counts)

    def group(self, profile: Profile, n: int, code: int | None = None) -> ExplainedGroup:
        """Put a profile in the form in which it goes to pages."""
        genes = profile.top(n, self._genes)
        return {"code": code, "cells": profile.cells, "total": profile.total, "genes": genes}

    def _expressed(self, rows: NDArray[np.int64], tick: Tick) -> NDArray[np.float64]:
        expressed, used = np.zeros(len(self._genes)), 0
        for share, batch, _ in self._batches(rows):
            tick(share)
            _count(expressed, batch)
            used += len(batch)
        return expressed / max(1, used)

    def _sample(self, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Choose at most so many of some rows, ascending; the same ones each time.

        Where cells are read from a file as they are asked for, it is some runs of neighbours: single ones all over
        would cost as much as reading the whole file.
        """
        if len(rows) <= most:
            return rows
        rng = np.random.default_rng(SEED)
        if self.cells.copied:
            return np.sort(rng.choice(rows, most, replace=False))
        stretches = np.array_split(np.arange(len(rows)), NEIGHBOURHOODS)
        each = most // NEIGHBOURHOODS
        begins = [stretch[0] + rng.integers(0, max(1, len(stretch) - each + 1)) for stretch in stretches]
        return np.concatenate([rows[begin : begin + each] for begin in begins])

    def _batches(self, rows: NDArray[np.int64]) -> Iterator[tuple[float, Batch, dict[int, str]]]:
        """Read cells some at a time; each time with the share that came before."""
        size = min(BATCH, self._looking.largest_batch)
        for begin in range(0, len(rows), size):
            yield begin / len(rows), *self.cells.read_rows(rows[begin : begin + size])

    def _weights(
        self, batch: Batch, method: str
    ) -> Iterator[tuple[float, tuple[NDArray[np.integer], NDArray[np.floating]]]]:
        """Give genes and their weights in some cells, piece by piece, with the share that is done."""
        if method == OCCLUSION:
            edits = min(EDITS, self._labelling.largest_batch)
            yield from occluded(batch, self._probabilities, edits=edits)
            return
        outputs = self._looking.run(batch).outputs
        weights, genes = outputs[method].astype(np.float64), outputs["attention_genes"].astype(np.int64)
        carried = (weights != 0) & np.isfinite(weights) & (genes >= 0) & (genes < len(self._genes))
        yield 1.0, (genes[carried], weights[carried])

    def _probabilities(self, batch: Batch) -> NDArray[np.float32]:
        logits: NDArray[np.floating] = self._labelling.run(batch).outputs["logits"]  # type: ignore[assignment]
        return softmax(logits, self._results.temperature)


def _limit(method: str, most: int | None) -> int:
    bears = SAMPLED.get(method, SAMPLED_ATTENTION)
    return bears if most is None else min(most, bears)


def _count(expressed: NDArray[np.float64], batch: Batch) -> None:
    """Add up in how many cells each gene is expressed."""
    expressed += np.bincount(batch.genes[batch.genes >= 0], minlength=len(expressed))


def _spread(batch: Batch, n_genes: int) -> NDArray[np.float32]:
    """Give the counts of a batch's first cell at each gene."""
    counts = np.zeros(n_genes, dtype=np.float32)
    there = batch.genes[0] >= 0
    counts[batch.genes[0, there]] = batch.counts[0, there]
    return counts
