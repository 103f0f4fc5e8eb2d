"""Distil the Geneformer case of the tests: some real cells, and the tokens that the published code makes of them.

python scripts/distil/geneformer.py: reads the full fixtures, writes tests/data/geneformer/ranks.npz.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures")) / "geneformer"
TARGET = ROOT / "tests/data/geneformer/ranks.npz"
CELLS = 5
FIRST_GENE, FIRST_GENE_V2 = 2, 4
"""Tokens of genes begin behind the special ones; a gene of V2 has the token of V1 and 2."""


def main() -> None:
    """Write the case: tokens become numbers of the few genes that are kept, 0 to n - 1."""
    with np.load(FIXTURES / "golden_public.npz") as file:
        golden = dict(file)
    with np.load(FIXTURES / "v2-format/golden_v2_public.npz") as file:
        golden_v2 = dict(file)
    rows = [golden["cell_ids"].tolist().index(cell) for cell in golden_v2["cell_ids"][:CELLS]]
    counts = sparse.csr_matrix(
        (golden["counts_data"], golden["counts_indices"], golden["counts_indptr"]), golden["counts_shape"]
    )[rows]
    columns = np.unique(counts.indices)
    counts = counts[:, columns]
    symbols, ensembl = golden["gene_symbols"][columns], golden["gene_ensembl"][columns]
    with np.load(FIXTURES / "dictionaries/geneformer_v1_dicts.npz") as file:
        token_of = {gene: token for token, gene in enumerate(file["ensembl"].tolist()) if token >= FIRST_GENE}
        medians = file["median"]
    pairs = json.loads((FIXTURES / "v2-format/collapsed_pairs.json").read_text())
    there = {gene for gene in ensembl.tolist() if gene in token_of}
    # counts of some genes are added to others', which then must be there too
    pairs = [(one, other) for one, other in pairs if one in there]
    genes = sorted({*there, *(other for _, other in pairs)}, key=token_of.__getitem__)
    number = {token_of[gene]: place for place, gene in enumerate(genes)}
    kept = {
        "counts_data": counts.data.astype(np.uint16),
        "counts_indices": counts.indices.astype(np.uint16),
        "counts_indptr": counts.indptr,
        "n_counts": golden["n_counts"][rows],
        "symbols": symbols,
        "ensembl": ensembl,
        "genes": np.array(genes),
        "medians": medians[[token_of[gene] for gene in genes]],
        "pairs": np.array(pairs),
        **_ranks("ranks", golden, rows, number, 0),
        **_ranks("ranks_v2", golden_v2, range(CELLS), number, FIRST_GENE_V2 - FIRST_GENE),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **kept)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB, {len(genes):,} genes, {len(pairs)} pairs")


def _ranks(
    name: str, golden: dict[str, np.ndarray], rows: Iterable[int], number: dict[int, int], shift: int
) -> dict[str, np.ndarray]:
    """Cells' genes by rank, without the tokens of V2 before and after them."""
    offsets = golden["tokens_offsets"]
    tokens = [golden["tokens_flat"][offsets[row] : offsets[row + 1]] - shift for row in rows]
    ranks = [[number[token] for token in cell.tolist() if token >= FIRST_GENE] for cell in tokens]
    return {
        name: np.concatenate([np.array(cell, np.uint16) for cell in ranks]),
        f"{name}_offsets": np.cumsum([0, *map(len, ranks)]),
    }


if __name__ == "__main__":
    main()
