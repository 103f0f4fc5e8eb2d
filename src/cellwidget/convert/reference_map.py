"""The map of the training cells: made by running a bundle on them, and kept with it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.bundle import MANIFEST
from cellwidget.bundle.sample import stratified
from cellwidget.model import load_model
from cellwidget.rebundle import check_own_folder, rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from cellwidget.model import Model

MOST_CELLS = 50_000


def add_reference(
    bundle: str | Path,
    adata: AnnData,
    *,
    labels: str | None = None,
    cells: int = MOST_CELLS,
    seed: int = 0,
    layer: str | None = None,
    total: str | None = None,
    threads: int | None = None,
) -> Path:
    """Run a bundle on its training cells, and add what it makes of them: the map that new cells land on.

    Widgets draw it as the backdrop of the model's own map, and tell for each cell how far it is from its nearest
    training cells.

    Parameters
    ----------
    bundle
        The bundle's folder. It needs a map, ``umap.onnx``; `parametric_umap` makes one.
    adata
        The cells that the model was trained on.
    labels
        The obs column with the labels that it was trained with; they are kept too, and a sample has some of each.
    cells
        Cells that are kept, at most; more of them are sampled.
    seed
        Of the sample.
    layer, total, threads
        As in `Model.predict`.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    ValueError
        If the bundle has no embedding or no map, the column is not there, or no cell can be run.
    InputError
        If the cells cannot be read for this model; the message says what would help.
    """
    model = own_model(bundle)
    if model.bundle.umap_path is None:
        raise ValueError(
            f"{bundle} has no map (umap.onnx) that training cells could lie on. "
            f"Make one first: cw.convert.parametric_umap({str(bundle)!r}, adata)."
        )
    _, arrays = run_on_training_cells(
        model, adata, ["xy"], labels=labels, cells=cells, seed=seed, layer=layer, total=total, threads=threads
    )
    return rewrite(model.bundle, model.bundle.folder, files={"reference.npz": npz(**arrays)})


def run_on_training_cells(
    model: Model,
    adata: AnnData,
    outputs: Sequence[str] = (),
    *,
    labels: str | None,
    cells: int,
    seed: int,
    layer: str | None,
    total: str | None,
    threads: int | None,
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Run a model on training cells, or on a sample of them, for what a reference holds.

    Parameters
    ----------
    model, adata, labels, cells, seed, layer, total, threads
        As in `add_reference`.
    outputs
        What is wanted beside the embedding.

    Returns
    -------
    tuple
        Rows of the cells that came out of the model, and their arrays by name: the outputs, "label" and, with labels,
        "truth".

    Raises
    ------
    ValueError
        If the column is not there, or no cell can be run.
    """
    names = None if labels is None else _labels(adata, labels)
    rows = stratified(np.zeros(adata.n_obs, np.int64) if names is None else names.codes, cells, seed)
    wanted = ["embedding", *outputs]
    run = [*wanted, "logits"] if model.classes else wanted
    made = model.predict(_taken(adata, rows), run, layer=layer, total=total, threads=threads)
    usable = np.all([np.isfinite(made[name]).all(axis=1) for name in wanted], axis=0)
    if not usable.any():
        raise ValueError("The model gives no place to any of the training cells, so there is no reference map.")
    arrays = {name: made[name] for name in wanted}
    arrays["label"] = _best(made["logits"]) if model.classes else np.zeros(len(rows), np.uint16)
    if names is not None:
        arrays["truth"] = _codes(names.categories, model.classes)[names.codes[rows]]
    return rows[usable], {name: values[usable] for name, values in arrays.items()}


def npz(**arrays: NDArray[Any]) -> bytes:
    """Give the bytes of a compressed ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def own_model(bundle: str | Path) -> Model:
    """Load a model with an embedding from a folder of the user's, which something is to be added to."""
    folder = Path(bundle)
    if not (folder / MANIFEST).is_file():
        raise ValueError(
            f"{str(bundle)[:200]!r} is not the folder of a bundle, so nothing can be added to it. "
            f"cw.load_model(…).save('folder') makes one of a packaged model, a zip or an address, cw.convert.sims of a "
            f"folder for sims-web."
        )
    check_own_folder(folder)
    model = load_model(folder)
    if "embedding" not in model.bundle.outputs:
        raise ValueError(f"{model!r} gives no embedding, so it has no space in which cells could lie.")
    return model


def _labels(adata: AnnData, column: str) -> Any:
    import pandas as pd

    if column not in adata.obs:
        raise ValueError(f"There is no obs column {column!r}. Columns are {', '.join(map(repr, adata.obs))[:500]}.")
    return pd.Categorical(adata.obs[column].astype("string"))


def _taken(adata: AnnData, rows: NDArray[np.int64]) -> AnnData:
    if len(rows) == adata.n_obs:
        return adata
    part = adata[rows]
    return part.to_memory() if adata.isbacked else part


def _best(logits: NDArray[np.float32]) -> NDArray[np.uint16]:
    best: NDArray[np.uint16] = np.nan_to_num(logits).argmax(axis=1).astype(np.uint16)
    return best


def _codes(names: Sequence[str], classes: Sequence[str]) -> NDArray[np.int32]:
    """Class codes of names, -1 for those that the model does not know; one more at the end, for missing labels."""
    known = {name: code for code, name in enumerate(classes)}
    return np.array([*(known.get(name, -1) for name in names), -1], dtype=np.int32)
