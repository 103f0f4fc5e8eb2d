"""What was found in the data, for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cellwidget.cells.align import Chunk
    from cellwidget.cells.choose import Choice
    from cellwidget.messages import InputReport


def input_report(choice: Choice, sample: Chunk, *, n_model: int, total: str | None, trained_on: str) -> InputReport:
    """Put together what is known before the run.

    Parameters
    ----------
    choice
        The matrix that is read.
    sample
        The sampled cells, aligned.
    n_model
        Number of the model's genes.
    total
        What a cell's total is taken over, in words; None for a model that needs none.
    trained_on
        Which values the network was trained on, as somebody said; empty where nobody did.
    """
    match = choice.match
    n_obs, n_vars = choice.source.shape
    notes = [*choice.notes, *match.notes]
    empty = choice.source.empty_rows()
    if empty is None:
        empty = int(np.count_nonzero(sample.totals == 0))
        if len(sample) < n_obs:
            notes.append(f"Empty cells were counted among {len(sample):,} cells spread over the data.")
    if len(sample.failed) == len(sample):
        notes.append("None of the cells looked at can be used.")
    return {
        "cells": n_obs,
        "matrix": choice.name,
        "values": choice.encoding.words,
        "trained_on": trained_on,
        "genes_matched": match.matched,
        "genes_model": n_model,
        "genes_data": n_vars,
        "id_type": match.id_type,
        "ids_in": match.ids_in,
        "duplicates_summed": match.duplicates,
        "empty_cells": empty,
        "total": total,
        "notes": notes,
    }
