"""Labels that are known: what a model says beside them, as counts and as the usual figures."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from cellwidget.columns import Columns
    from cellwidget.results.store import Results


class Truth:
    """An obs column of known labels, lined up with a model's classes by name.

    Parameters
    ----------
    columns
        The dataset's obs.
    name
        The column: categories or text.
    classes
        The model's.

    Raises
    ------
    ValueError
        If there is no such column, it has no categories, or the model has no classes.
    """

    def __init__(self, columns: Columns, name: str, classes: Sequence[str]) -> None:
        if not classes:
            raise ValueError(f"truth={name!r} needs a model that gives labels; this one gives an embedding alone.")
        self.name = name
        self.column = f"obs:{name}"
        spec = next((spec for spec in columns.specs if spec["id"] == self.column), None)
        if spec is None:
            raise ValueError(f"truth={name!r} is not a column of obs.{_near(name, columns)}")
        if spec["kind"] != "category":
            what = "numbers" if spec["kind"] == "number" else "more different values than a legend can hold"
            raise ValueError(
                f"truth={name!r} must be a column of label names; it has {what}. Labels that are numbers become names "
                f"with adata.obs[{name!r}] = adata.obs[{name!r}].astype(str).astype('category')."
            )
        self.names = list(spec["categories"])
        class_of = {label: code for code, label in enumerate(classes)}
        self.classes = list(classes)
        self.class_of = np.array([class_of.get(label, -1) for label in self.names], dtype=np.int64)
        """For each name the class of that name, -1 where the model knows none; int64 [names]."""
        self.codes = columns.codes(self.column)
        """For each cell the name that it has, -1 where none; int64 [n_obs]."""

    def confusion(self, results: Results) -> pd.DataFrame:
        """Count cells by known label (rows) and by what the model says (columns), as far as they were run."""
        import pandas as pd

        return pd.DataFrame(
            self._counts(results),
            index=pd.Index(self.names, name=self.name),
            columns=pd.Index([*self.classes, results.unassigned], name="label"),
        )

    def metrics(self, results: Results) -> pd.DataFrame:
        """Per class precision, recall, f1, support and predicted; names unknown to the model have support alone.

        Cells of such names count in no figure, since nobody can tell whether the model is right there; unassigned cells
        count as missed. ``attrs`` holds accuracy, macro_f1 (over classes with support) and assigned (a share).
        """
        import pandas as pd

        counts = self._counts(results)
        known = self.class_of >= 0
        n = len(self.classes)
        hits, support = np.zeros(n), np.zeros(n)
        np.add.at(hits, self.class_of[known], counts[known, self.class_of[known]])
        np.add.at(support, self.class_of[known], counts[known].sum(axis=1))
        predicted = counts[known, :n].sum(axis=0)
        precision, recall = _share(hits, predicted), _share(hits, support)
        f1 = np.where(support > 0, _share(2 * hits, predicted + support), np.nan)
        frame = pd.DataFrame(
            {"precision": precision, "recall": recall, "f1": f1, "support": support, "predicted": predicted},
            index=pd.Index(self.classes, name=self.name),
        )
        strangers = pd.DataFrame(
            {"support": counts[~known].sum(axis=1), "predicted": 0},
            index=pd.Index([name for name, its in zip(self.names, known, strict=True) if its == 0], name=self.name),
        ).reindex(columns=frame.columns)
        frame = pd.concat([part for part in (frame, strangers) if len(part)])
        frame = frame.astype({"support": np.int64, "predicted": np.int64})
        total = float(support.sum())
        frame.attrs = {
            "accuracy": float(hits.sum()) / total if total else float("nan"),
            "macro_f1": float(np.mean(f1[support > 0])) if total else float("nan"),
            "assigned": float(predicted.sum()) / total if total else float("nan"),
        }
        return frame

    def _counts(self, results: Results) -> NDArray[np.int64]:
        """Cells by name and by label, int64 [names, classes + 1]; the last column is of those that are unassigned."""
        said = results.labels()
        both = (self.codes >= 0) & (said >= 0)
        width = len(self.classes) + 1
        flat = np.bincount(self.codes[both] * width + said[both], minlength=len(self.names) * width)
        counts: NDArray[np.int64] = flat.reshape(len(self.names), width).astype(np.int64)
        return counts


def _share(part: NDArray[Any], of: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, NaN where there is nothing to divide by."""
    result: NDArray[np.float64] = np.divide(part, of, out=np.full(len(of), np.nan), where=of > 0)
    return result


def _near(name: str, columns: Columns) -> str:
    there = [spec["name"] for spec in columns.specs if spec["group"] == "obs"]
    folded = {other.casefold(): other for other in there}
    near = [folded[match] for match in get_close_matches(str(name).casefold(), folded, n=3)]
    if near:
        return f" Did you mean {' or '.join(map(repr, near))}?"
    named = [spec["name"] for spec in columns.specs if spec["kind"] == "category"]
    return f" Columns of names there are {', '.join(map(repr, named[:8]))}." if named else " It has no column of names."
