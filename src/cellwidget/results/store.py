"""Results: columns of n_obs rows and one change log."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.columns import code_dtype
from cellwidget.messages import DONE, FAILED, NOT_RUN
from cellwidget.results.log import ChangeLog
from cellwidget.results.scores import best_two
from cellwidget.results.unassigned import below, unassigned_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from cellwidget.batch import ResultBatch
    from cellwidget.results.attention import AttentionSums
    from cellwidget.results.nearness import Nearness

KEPT = ("embedding", "logits")
MOST_REASONS = 1_000
OTHER_REASONS = "other reasons"


class Results:
    """What a run fills. All methods may be called from any thread.

    Columns are written before their rows go into the log, so whoever reads a row that the log names reads values that
    are at least as new.

    Parameters
    ----------
    n_obs
        Number of cells.
    classes
        The model's classes, none for a model that gives no labels.
    keep
        Outputs held whole for every cell: any of "embedding" and "logits".
    nearness
        Measures how far cells are from the model's training cells; None where these are not known.
    temperature
        What logits are divided by before they become scores.
    threshold
        Cells whose score is below it are unassigned to whoever reads `labels`; what streams stays as the model said.
    attention
        Takes in what the model looked at; None where that is not wanted.
    """

    def __init__(
        self,
        n_obs: int,
        classes: Sequence[str],
        *,
        keep: Collection[str] = KEPT,
        nearness: Nearness | None = None,
        temperature: float = 1.0,
        threshold: float = 0.0,
        attention: AttentionSums | None = None,
    ) -> None:
        self.classes = list(classes)
        self.temperature = temperature
        self.unassigned = unassigned_name(self.classes)
        self.threshold = threshold
        self.attention = attention
        codes = np.dtype(code_dtype(len(self.classes)))
        self.missing = int(np.iinfo(codes).max)
        self.state = np.full(n_obs, NOT_RUN, dtype=np.uint8)
        self.label = np.full(n_obs, self.missing, dtype=codes)
        self.score = np.full(n_obs, np.nan, dtype=np.float32)
        self.second = np.full(n_obs, self.missing, dtype=codes)
        self.second_score = np.full(n_obs, np.nan, dtype=np.float32)
        self.distance = np.full(n_obs if nearness else 0, np.nan, dtype=np.float32)
        self.entropy = np.full(n_obs, np.nan, dtype=np.float32)
        self.xy = np.full((n_obs, 2), np.nan, dtype=np.float32)
        self.nearness = nearness
        self._keep = tuple(keep)
        self._kept: dict[str, NDArray[np.float32]] = {}
        self._reasons: dict[str, int] = {}
        self._reason = np.zeros(n_obs, dtype=np.uint16)  # 0 is none, else the number that `_reasons` has
        self._log = ChangeLog()
        self._done = self._failed = self._placed = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.state)

    # ── filling ──────────────────────────────────────────────────────────────────────────────────

    def record(self, result: ResultBatch) -> None:
        """Take in what an engine made of a batch.

        Raises
        ------
        ValueError
            If an output does not have a row per cell, or logits not a column per class.
        """
        self._check(result)
        embedding = result.outputs.get("embedding")
        distance = None
        if self.nearness is not None and embedding is not None:
            distance = self.nearness.distances(embedding)  # type: ignore[arg-type]  # takes its time: not under the lock
        with self._lock:
            if distance is not None:
                self.distance[result.rows] = distance
            if len(result.rows):
                self._fill(result)
            if result.failed:
                self._fail(result.failed)

    def place(self, rows: NDArray[np.integer], xy: NDArray[np.floating]) -> None:
        """Give cells their places on the map, float [cells, 2]."""
        with self._lock:
            self._set_places(rows, xy)
            self._log.append(rows)

    def _check(self, result: ResultBatch) -> None:
        for name, values in result.outputs.items():
            if len(values) != len(result.rows):
                raise ValueError(f"{name} has {len(values)} rows for {len(result.rows)} cells")
        logits = result.outputs.get("logits")
        if self.classes and logits is not None and logits.shape[1:] != (len(self.classes),):
            raise ValueError(f"logits are {logits.shape[1:]} a cell, the model has {len(self.classes)} classes")

    def _fill(self, result: ResultBatch) -> None:
        rows, outputs = result.rows, result.outputs
        if self.classes and "logits" in outputs:
            best = best_two(outputs["logits"], self.temperature)  # type: ignore[arg-type]
            self.label[rows], self.score[rows], self.entropy[rows] = best.label, best.score, best.entropy
            if len(self.classes) > 1:
                self.second[rows], self.second_score[rows] = best.second, best.second_score
            if self.attention is not None:
                self.attention.add(rows, best.label, outputs)
                if result.attention is not None:
                    self.attention.add_sums(rows, best.label, result.attention)
        if "xy" in outputs:
            self._set_places(rows, outputs["xy"])
        for name in self._keep:
            if name in outputs:
                self._kept_column(name, outputs[name].shape[1])[rows] = outputs[name]
        self._set_state(rows, DONE)
        self._reason[rows] = 0
        self._log.append(rows)

    def _fail(self, failed: dict[int, str]) -> None:
        rows = np.fromiter(failed, dtype=np.int64, count=len(failed))
        for row, reason in failed.items():
            self._reason[row] = self._reason_number(reason)
        self._set_state(rows, FAILED)
        self._log.append(rows)

    def _set_state(self, rows: NDArray[np.integer], state: int) -> None:
        before = self.state[rows]
        self._done += int(state == DONE) * len(rows) - int(np.count_nonzero(before == DONE))
        self._failed += int(state == FAILED) * len(rows) - int(np.count_nonzero(before == FAILED))
        self.state[rows] = state

    def _set_places(self, rows: NDArray[np.integer], xy: NDArray[Any]) -> None:
        self._placed -= int(np.count_nonzero(np.isfinite(self.xy[rows, 0])))
        self.xy[rows] = xy
        self._placed += int(np.count_nonzero(np.isfinite(self.xy[rows, 0])))

    def _kept_column(self, name: str, width: int) -> NDArray[np.float32]:
        column = self._kept.get(name)
        if column is None:
            column = self._kept[name] = np.full((len(self), width), np.nan, dtype=np.float32)
        return column

    def _reason_number(self, reason: str) -> int:
        if len(self._reasons) >= MOST_REASONS and reason not in self._reasons:
            reason = OTHER_REASONS
        return self._reasons.setdefault(reason, len(self._reasons) + 1)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    @property
    def position(self) -> int:
        """Length of the change log."""
        with self._lock:
            return len(self._log)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Cells that are done, that failed, and that have a place on the map."""
        with self._lock:
            return self._done, self._failed, self._placed

    @property
    def failures(self) -> dict[str, int]:
        """Why cells failed, and how many each, most frequent first."""
        with self._lock:
            numbers = np.bincount(self._reason[self.state == FAILED], minlength=len(self._reasons) + 1)[1:]
            named = Counter(dict(zip(self._reasons, numbers.tolist(), strict=True)))
        return {reason: count for reason, count in named.most_common() if count}

    def reason(self, row: int) -> str | None:
        """Why a cell failed; None if it did not."""
        with self._lock:
            number = int(self._reason[row])
            return next((reason for reason, its in self._reasons.items() if its == number), None)

    def since(self, position: int, limit: int) -> tuple[NDArray[np.uint32], int]:
        """Rows that changed in the log from `position` on.

        Parameters
        ----------
        position
            Where the reader stands; what lies beyond the log's end counts as its end.
        limit
            Log entries to look at, at most.

        Returns
        -------
        tuple
            Each row once, ascending, uint32; and the position after them.
        """
        with self._lock:
            position = min(max(position, 0), len(self._log))
            part = self._log.part(position, limit)
        return np.unique(part), position + len(part)

    def read(self, column: str, rows: NDArray[np.integer]) -> NDArray[Any]:
        """Values of a streamed column at some rows, as they are now, in the type in which they cross."""
        with self._lock:
            values: NDArray[Any] = self._streamed(column)[rows]
        return values

    def kept(self, name: str) -> NDArray[np.float32] | None:
        """Give a whole output, float32 [n_obs, d], NaN where not yet run; None if there is none (yet)."""
        with self._lock:
            return self._kept.get(name)

    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """The embeddings, float32 [n_obs, d], NaN where not yet run; None for a model without."""
        return self.kept("embedding")

    def unrun(self) -> NDArray[np.int64]:
        """Rows that are neither done nor failed."""
        with self._lock:
            return np.flatnonzero(self.state == NOT_RUN)

    def unplaced(self) -> NDArray[np.int64]:
        """Rows that are done but have no place on the map."""
        with self._lock:
            return np.flatnonzero((self.state == DONE) & ~np.isfinite(self.xy[:, 0]))

    def labels(self) -> NDArray[np.int64]:
        """Label codes that hold above the threshold, int64 [n_obs]: -1 not run, one beyond the classes unassigned."""
        with self._lock:
            return self._labels()

    def predictions(self, obs_names: pd.Index[str]) -> pd.DataFrame:
        """One row per cell, missing where not yet run.

        Columns are label, score, second, second_score, margin (of the score over the second's), entropy; distance and
        unlike_training (False where the distance is not known) for models that know their training cells; umap_0,
        umap_1.
        """
        import pandas as pd

        limit = None if self.nearness is None else self.nearness.limit
        with self._lock:
            columns: dict[str, Any] = {}
            if self.classes:
                columns["label"] = self._named(self._labels(), unassigned=self.threshold > 0)
                columns["score"] = self.score.copy()
                columns["second"] = self._named(self._coded(self.second))
                columns["second_score"] = self.second_score.copy()
                columns["margin"] = self.score - self.second_score
                columns["entropy"] = self.entropy.copy()
            if limit is not None:
                columns["distance"] = self.distance.copy()
                columns["unlike_training"] = self.distance > limit
            columns["umap_0"], columns["umap_1"] = self.xy[:, 0].copy(), self.xy[:, 1].copy()
        return pd.DataFrame(columns, index=obs_names)

    def _labels(self) -> NDArray[np.int64]:
        codes = self._coded(self.label)
        codes[below(self.score, self.threshold)] = len(self.classes)
        return codes

    def _coded(self, codes: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
        numbers = codes.astype(np.int64)
        numbers[numbers == self.missing] = -1
        return numbers

    def _named(self, codes: NDArray[np.int64], unassigned: bool = False) -> pd.Categorical:
        """Codes as a categorical of all classes, and of those that have none."""
        import pandas as pd

        return pd.Categorical.from_codes(codes, categories=[*self.classes, *([self.unassigned] if unassigned else [])])

    def _streamed(self, column: str) -> NDArray[Any]:
        match column:
            case "state" | "xy" | "label" | "score" | "second" | "second_score" | "entropy" | "distance":
                values: NDArray[Any] = getattr(self, column)
                return values
        raise KeyError(f"{column!r} does not stream")
