"""Explanations for whoever asks: a table in Python, a reply to a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.explain.explainer import SAMPLED_OVERVIEW
from cellwidget.selection import Selection

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cellwidget.explain.explainer import Explainer, Profile, Tick
    from cellwidget.messages import Explain, ExplainedGroup, Explanation

NAMED = 3
TOP_GENES, TOP_OVERVIEW = 20, 5


def frame(explainer: Explainer, of: object, method: str, n: int) -> pd.DataFrame:
    """Answer `CellWidget.explain`, which says what this takes and gives."""
    import pandas as pd

    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    method = explainer.method(method)
    lines: list[dict[str, Any]] = []
    for name, profile in _profiles(explainer, of, method):
        group = explainer.group(profile, n)
        told = {"cells": group["cells"], "of_cells": group["total"]}
        for gene in group["genes"]:
            part = {key: gene[key] for key in ("gene", "weight", "share", "expressed")}
            lines.append({"group": name, **part, **told})
    table = pd.DataFrame(lines, columns=["group", "gene", "weight", "share", "expressed", "cells", "of_cells"])
    table.attrs["method"] = method
    return table


def explanation(explainer: Explainer, question: Explain, selected: NDArray[np.int64], tick: Tick) -> Explanation:
    """Find what a page asks for.

    Parameters
    ----------
    explainer
        Who knows.
    question
        What is asked.
    selected
        Rows that are selected.
    tick
        Called now and then with the share that is done.
    """
    of, code = question["of"], question["code"]
    method = explainer.method(question["method"])
    groups: list[ExplainedGroup] = []
    if of != "class":
        rows = selected if of == "selection" else np.array([question["row"]], dtype=np.int64)
        groups.append(explainer.group(explainer.of_rows(rows, method, tick), TOP_GENES))
    elif code is None:
        for each in np.flatnonzero(explainer.labelled()).tolist():
            groups.append(explainer.group(explainer.of_class(each, method, tick, SAMPLED_OVERVIEW), TOP_OVERVIEW, each))
    elif code < len(explainer.classes):
        groups.append(explainer.group(explainer.of_class(code, method, tick), TOP_GENES, code))
    else:
        raise ValueError(f"explain.code is {code}, the model has {len(explainer.classes)} classes")
    return {"of": of, "method": method, "groups": groups}


def _profiles(explainer: Explainer, of: object, method: str) -> list[tuple[str, Profile]]:
    names, classes = explainer.cells.obs_names, explainer.classes
    if of is None and not classes:
        raise ValueError("This model gives no labels to explain. Name cells.")
    if of is None:
        codes: list[int] = np.flatnonzero(explainer.labelled()).tolist()
        if not codes:
            raise ValueError("No cell is labelled yet. Run the model first, or name cells to explain.")
        return [(classes[code], explainer.of_class(code, method)) for code in codes]
    if isinstance(of, str):
        if of in classes:
            return [(of, explainer.of_class(classes.index(of), method))]
        if of not in names:
            some = ", ".join(map(repr, classes[:NAMED])) + (" …" if len(classes) > NAMED else "")
            raise ValueError(f"{of!r} is neither a label of this model ({some}) nor one of the obs_names.")
    rows = Selection.of([of] if isinstance(of, str | int | np.integer) else of, names).rows
    if not len(rows):
        raise ValueError("The selection holds no cells.")
    single = str(names[rows[0]]) if len(rows) == 1 else "selection"
    return [(single, explainer.of_rows(rows, method))]
