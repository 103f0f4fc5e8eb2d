"""The small graphs around a foreign one: from a cell's genes to a dense row, and from dense attention to its genes."""

from __future__ import annotations

import numpy as np

from cellwidget.graphs.write import Sketch

SCALE = 10_000.0
TINY = 1e-12
"""Divides a cell without counts, which then stays without."""


def front(n_genes: int, *, normalise: bool) -> bytes:
    """Write the graph from `genes` and `counts` to `dense`, float32 [cells, n_genes].

    Parameters
    ----------
    n_genes
        Genes of the model.
    normalise
        Whether values become log1p of counts per 10,000 of the cell's `total`, which then is an input; in float64, as
        training scripts do it. The norm that SIMS takes is in its own graph.
    """
    sketch = Sketch()
    genes = sketch.input("genes", np.int32, ["cells", "n"])
    values = sketch.input("counts", np.float32, ["cells", "n"])
    if normalise:
        values = _normalised(sketch, values, sketch.input("total", np.float32, ["cells"]))
    cells = sketch.op("Shape", genes, start=0, end=1)
    shape = sketch.op("Concat", cells, sketch.constant([n_genes], np.int64), axis=0)
    # padding, at -1, adds 0 to the last gene: with another reduction it would erase what is there
    spread = sketch.op(
        "ScatterElements",
        sketch.op("ConstantOfShape", shape),
        sketch.cast(genes, np.int64),
        values,
        axis=1,
        reduction="add",
    )
    sketch.output("dense", spread, np.float32, ["cells", n_genes])
    return sketch.serialize("front")


def _normalised(sketch: Sketch, counts: str, total: str) -> str:
    least = sketch.op("Max", sketch.cast(total, np.float64), sketch.constant(TINY, np.float64))
    scaled = sketch.op("Mul", sketch.cast(counts, np.float64), sketch.constant(SCALE, np.float64))
    share = sketch.op("Div", scaled, sketch.op("Unsqueeze", least, sketch.constant([1], np.int64)))
    return sketch.cast(sketch.op("Log", sketch.op("Add", share, sketch.constant(1.0, np.float64))), np.float32)


def back(dtype: type[np.generic]) -> bytes:
    """Write the graph from `attention_dense` [cells, genes] to `attention` and `attention_genes` [cells, k].

    The genes that carry weight, heaviest first; k is what the batch needs, so that none is lost.

    Parameters
    ----------
    dtype
        Of the dense attention: float32 or float64.
    """
    sketch = Sketch()
    dense = sketch.cast(sketch.input("attention_dense", dtype, ["cells", "genes"]), np.float32)
    nothing, rows = sketch.constant(0.0, np.float32), sketch.constant([1], np.int64)
    used = sketch.cast(sketch.op("Greater", dense, nothing), np.int32)
    widths = sketch.op("ReduceSum", used, rows, keepdims=0)
    widest = sketch.cast(sketch.op("ReduceMax", widths, sketch.constant([0], np.int64), keepdims=1), np.int64)
    weights, places = sketch.ops("TopK", 2, dense, sketch.op("Max", widest, rows), axis=1)
    carried = sketch.cast(sketch.op("Greater", weights, nothing), np.int64)
    sketch.output("attention", sketch.op("Relu", weights), np.float32, ["cells", "k"])
    named = sketch.cast(sketch.op("Mul", places, carried), np.int32)
    sketch.output("attention_genes", named, np.int32, ["cells", "k"])
    return sketch.serialize("back")
