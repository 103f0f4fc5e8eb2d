"""The page with the model's figures, docs/pbmc-model.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pbmc.evaluate import LINEAGES, PBMC3K

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = """\
# The packaged model `pbmc`

Written by `make train`; do not edit.

A SIMS network (TabNet) of {size}, trained on {trained} peripheral blood cells with {genes} genes. It is small and
quick so that everything can be tried at once without a network; it is **no reference for real work**.

| tested on | cells | accuracy | by lineage |
|---|--:|--:|--:|
| cells held out of training (same donor) | {held[cells]} | **{held_accuracy}** | {held_lineage} |
| PBMC3k (another donor) | {other[cells]} | **{other_accuracy}** | {other_lineage} |
| training cells, {folds}-fold cross-validation | {trained} | {cross} | |

*By lineage* tells apart only {lineages}. So few cells leave wide margins: the
first figure may be {held_margin} points off, the second {other_margin} (two standard errors). The recipe was chosen by
cross-validation within the training cells, so the last row flatters a little; the first two were looked at, and nothing
was chosen by them but to leave the first try, which fitted the training cells too closely (76.8 % and 66.0 %).

What to know before believing it:

- The labels of the training cells come from comparing each with cells that were sorted by antibodies. They are noisy,
  above all among T cells: in cross-validation over all cells logistic regression agrees with 83 % of them, a random
  forest with 81 %.
- Some labels have few cells to learn from ({rare}).
  The model hardly ever gives the rarest.
- Many cells labelled *Dendritic* express genes of monocytes; *CD14+ Monocyte* and *Dendritic* are often confused.
- Naive T cells: CD4 and CD8 differ by genes that are seen in few cells; they are the commonest confusion on PBMC3k.
- There is no label for cells that it does not know: whatever comes gets one of the {classes}.
  Cells far from all training cells are marked: 23 % of those held out, of which 58 % are labelled rightly (of the
  others 94 %), and 59 % of cells whose genes were shuffled. A mark is a reason to look, not a proof, and no mark is
  none either.

## Cells held out of training

A fifth of every label, {held[cells]} cells, drawn with seed {seed}; `cellwidget.datasets.pbmc_heldout()` gives them.

{held_table}

## PBMC3k

{other[cells]} cells of 10x Genomics' PBMC3k with the labels of scanpy's tutorial. Right is:

{mapping}

{other_table}

## How it was made

- Cells: `scanpy.datasets.pbmc68k_reduced()` (Zheng et al. 2017; 10x Genomics, CC BY 4.0), integer counts recovered
  from its normalised values.
- The network normalises inside, by the sum over its own genes: filtering other genes away changes nothing.
- In training each cell keeps its molecules with a chance drawn from {thinnest} to 100 %, and loses {left_out} of its
  genes; rare labels count more (as the {weighting}th power of how rare they are); weights decay strongly, and their
  running mean is kept. Masks that look at many genes are preferred, against SIMS's own habit.
- Logits are divided by {temperature:.2f}, the temperature that fits the cross-validated cells best.
- The map: umap-learn on the embeddings of the training cells and of thinned copies; a small network learnt the places.
"""


def page(training: dict[str, Any], classes: Sequence[str], size: str, genes: int) -> str:
    """Write the page from the manifest's `training`."""
    held, other, recipe = training["held_out"], training["pbmc3k"], training["recipe"]
    rare = ", ".join(f"{label}: {count}" for label, count in sorted(training["cells_by_label"].items()) if count < 20)
    return PAGE.format(
        size=size,
        genes=genes,
        trained=training["cells"],
        held=held,
        other=other,
        held_accuracy=_percent(held["accuracy"]),
        held_lineage=_percent(held["accuracy_by_lineage"]),
        other_accuracy=_percent(other["accuracy"]),
        other_lineage=_percent(other["accuracy_by_lineage"]),
        held_margin=_margin(held),
        other_margin=_margin(other),
        cross=_percent(training["cross_validation"]["accuracy"]),
        folds=training["cross_validation"]["folds"],
        lineages=", ".join(LINEAGES),
        rare=rare,
        classes=len(classes),
        seed=training["seed"],
        held_table=_table(held["confusion"], classes),
        other_table=_table(other["confusion"], classes),
        mapping=_mapping(),
        thinnest=f"{recipe['thinnest'] * 100:.0f} %",
        left_out=f"{recipe['left_out'] * 100:.0f} %",
        weighting=recipe["weighting"],
        temperature=training["temperature"],
    )


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _margin(figures: dict[str, Any]) -> str:
    """Give two standard errors of an accuracy, in points."""
    share = figures["accuracy"]
    return f"{200 * (share * (1 - share) / figures['cells']) ** 0.5:.0f}"


def _mapping() -> str:
    rows = [f"| {true} | {', '.join(labels)} |" for true, labels in PBMC3K.items()]
    return "\n".join(["| label of PBMC3k | labels of the model |", "|---|---|", *rows])


def _table(confusion: dict[str, dict[str, int]], classes: Sequence[str]) -> str:
    """Put true labels in rows, predicted ones in columns that are used."""
    columns = [label for label in classes if any(label in row for row in confusion.values())]
    lines = ["| true \\ predicted | " + " | ".join(columns) + " |", "|---|" + "--:|" * len(columns)]
    for true, row in confusion.items():
        lines.append(f"| {true} | " + " | ".join(str(row.get(label, "·")) for label in columns) + " |")
    return "\n".join(lines)
