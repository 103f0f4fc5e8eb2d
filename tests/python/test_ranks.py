"""Rank-value encoding in a graph is what numpy makes of the same cells, whatever they are padded to."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwidget.convert.graph import Graph
from cellwidget.convert.ranks import Ranking, ranked

GENES = 30
PAD = 0


def written(ranking: Ranking) -> ort.InferenceSession:
    graph = Graph()
    cells = ranked(graph, ranking)
    graph.output("tokens", cells.tokens, np.int32, ["cells", "n"])
    graph.output("there", cells.there, np.bool_, ["cells", "n"])
    graph.output("is_gene", cells.is_gene, np.bool_, ["cells", "n"])
    return ort.InferenceSession(graph.serialize("ranks"), providers=["CPUExecutionProvider"])


def in_numpy(genes: np.ndarray, counts: np.ndarray, total: float, ranking: Ranking) -> list[int]:
    values = counts.astype(np.float64) / total * 10_000 / ranking.medians[genes]
    best = genes[np.argsort(-values, kind="stable")][: ranking.most_genes]
    framed = [ranking.first, *ranking.ids[best].tolist(), ranking.last]
    return [token for token in framed if token is not None]


cells = st.lists(st.lists(st.tuples(st.integers(0, GENES - 1), st.integers(1, 4)), min_size=1), min_size=1, max_size=5)


@settings(deadline=None)
@given(
    cells=cells,
    medians=st.lists(st.sampled_from([0.5, 1.0, 1.5, 3.0, 0.1]), min_size=GENES, max_size=GENES),
    length=st.integers(3, 40),
    framed=st.tuples(st.booleans(), st.booleans()),
    over_all=st.booleans(),
    spare=st.integers(0, 3),
)
def test_ranks(
    cells: list[list[tuple[int, int]]],
    medians: list[float],
    length: int,
    framed: tuple[bool, bool],
    over_all: bool,
    spare: int,
) -> None:
    ids = np.random.default_rng(0).permutation(GENES).astype(np.int32) + 5
    first, last = (token if there else None for token, there in zip((1, 2), framed, strict=True))
    ranking = Ranking(ids, np.array(medians), PAD, length, first, last, over_all)
    own = [dict(cell) for cell in cells]
    width = max(map(len, own)) + spare
    genes, counts = np.full((len(own), width), -1, np.int32), np.zeros((len(own), width), np.float32)
    for row, cell in enumerate(own):
        genes[row, : len(cell)], counts[row, : len(cell)] = [*cell], [*cell.values()]
    total = np.full(len(own), 7919, np.float32) if over_all else counts.sum(axis=1)
    feed: dict[str, Any] = {"genes": genes, "counts": counts} | ({"total": total} if over_all else {})
    tokens, there, is_gene = written(ranking).run(None, feed)
    expected = [
        in_numpy(genes[row, : len(cell)], counts[row, : len(cell)], float(total[row]), ranking)
        for row, cell in enumerate(own)
    ]
    assert [row[shown].tolist() for row, shown in zip(tokens, there, strict=True)] == expected
    assert tokens.shape[1] == max(map(len, expected)) and (tokens[~there] == PAD).all()
    assert ((tokens >= 5) == is_gene).all()
