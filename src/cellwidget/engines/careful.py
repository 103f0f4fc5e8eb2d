"""Running batches so that one bad cell fails alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.batch import Batch, ResultBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cellwidget.engines.base import Engine

log = logging.getLogger("cellwidget")

NOT_A_NUMBER = "the model's output is not a number"
LONGEST_REASON = 200
OUT_OF_MEMORY = ("failed to allocate", "bad_alloc", "out of memory", "bad allocation")


class EngineFailed(RuntimeError):
    """The engine fails whatever cells it is given; its last error is the cause."""


class Careful:
    """Runs batches on an engine; one that raises is run again in halves, down to single cells.

    A cell that fails alone is to blame only if the engine still works: a cell that went through before is run again to
    see that.

    Parameters
    ----------
    engine
        Runs batches, and may raise.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._good: Batch | None = None
        self.too_large: int | None = None
        """The smallest batch so far that ran out of memory."""

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch of at least one cell.

        Raises
        ------
        EngineFailed
            If the engine does not work (any more), or has not worked yet and fails for all cells of the batch.
        """
        results: list[ResultBatch] = []
        error: Exception | None = None
        for raised in self._parts(batch, results):
            error = raised
        if error is not None and self._good is None:
            raise EngineFailed(_words(error)) from error
        return _joined(results)

    def _parts(self, batch: Batch, results: list[ResultBatch]) -> Iterator[Exception]:
        """Run a batch or its halves, gather what came out, and give the errors of single cells."""
        try:
            result = _complete(self._engine.run(batch), batch)
        except Exception as error:  # noqa: BLE001  (whatever it is, other cells must not suffer from it)
            self._note(batch, error)
            if len(batch) == 1:
                self._probe()
                results.append(_failure(batch, error))
                yield error
                return
        else:
            self._good = self._good or batch.cut(slice(0, 1))
            results.append(without_nan(result))
            return
        middle = len(batch) // 2
        yield from self._parts(batch.cut(slice(0, middle)), results)
        yield from self._parts(batch.cut(slice(middle, None)), results)

    def _note(self, batch: Batch, error: Exception) -> None:
        if is_out_of_memory(error):
            self.too_large = min(len(batch), self.too_large or len(batch))
        log.info("a batch of %d cells failed: %s", len(batch), _words(error))

    def _probe(self) -> None:
        if self._good is None:
            return
        try:
            self._engine.run(self._good)
        except Exception as error:
            raise EngineFailed(_words(error)) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether a smaller batch may go through."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in words for sign in OUT_OF_MEMORY)


def without_nan(result: ResultBatch) -> ResultBatch:
    """Take out cells with an output that is not a number; infinite logits may be meant, others not."""
    bad = np.zeros(len(result.rows), dtype=bool)
    for name, values in result.outputs.items():
        if values.dtype.kind != "f":
            continue
        # one pass over the array tells that all is well, as it is nearly always
        if name == "logits":
            bad |= np.isnan(values.max(axis=1, initial=-np.inf)) | (values == np.inf).any(axis=1)
        elif not np.isfinite(values).all():
            bad |= ~np.isfinite(values).all(axis=1)
    if not bad.any():
        return result
    failed = result.failed | dict.fromkeys(result.rows[bad].tolist(), NOT_A_NUMBER)
    return ResultBatch(result.rows[~bad], {name: values[~bad] for name, values in result.outputs.items()}, failed)


def _complete(result: ResultBatch, batch: Batch) -> ResultBatch:
    """Refuse a result that leaves cells out: every one is done or failed."""
    told = len(result.rows) + len(result.failed)
    if told != len(batch):
        raise ValueError(f"the engine gave {told} results for {len(batch)} cells")
    return result


def _failure(batch: Batch, error: Exception) -> ResultBatch:
    reason = f"the model failed: {_words(error)}"
    return ResultBatch(batch.rows[:0], {}, dict.fromkeys(batch.rows.tolist(), reason))


def _words(error: Exception) -> str:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first if len(first) <= LONGEST_REASON else f"{first[: LONGEST_REASON - 1]}…"


def _joined(results: list[ResultBatch]) -> ResultBatch:
    if len(results) == 1:
        return results[0]
    failed = {row: reason for result in results for row, reason in result.failed.items()}
    good = [result for result in results if len(result.rows)]
    if not good:
        return ResultBatch(results[0].rows[:0], {}, failed)
    outputs = {name: _stacked([result.outputs[name] for result in good]) for name in good[0].outputs}
    return ResultBatch(np.concatenate([result.rows for result in good]), outputs, failed)


def _stacked(parts: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Join along the cells; attention is as wide as each batch needs, so the narrower are padded with 0."""
    width = max(part.shape[1] for part in parts)
    if any(part.shape[1] < width for part in parts):
        parts = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts]
    return np.concatenate(parts)
