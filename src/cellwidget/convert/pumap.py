"""A map of its own for a model: umap-learn lays cells out, a small network learns where, and joins the bundle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.map_net import Neighbours, Scale, imitate, places, refine, unscaled
from cellwidget.convert.reference_map import MOST_CELLS, npz, own_model, run_on_training_cells
from cellwidget.convert.tabnet import mlp_graph
from cellwidget.genes import InputError
from cellwidget.layout import ExistingBasis
from cellwidget.rebundle import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from cellwidget.model import Model

    Floats = NDArray[np.float32]
    Told = Callable[[str, float], None]

FEWEST = 50
"""Of fewer cells no map can be learnt."""
NEIGHBOURS, MIN_DIST = 15, 0.1


@dataclass(frozen=True)
class Cells:
    """What a map is learnt from: embedding [cells, d], its reference arrays if known, and a layout to imitate."""

    embedding: Floats
    known: dict[str, NDArray[Any]] | None = None
    xy: Floats | None = None


def parametric_umap(
    bundle: str | Path,
    adata: AnnData | None = None,
    *,
    basis: str | None = None,
    embedding: ArrayLike | None = None,
    labels: str | None = None,
    neighbours: int = NEIGHBOURS,
    min_dist: float = MIN_DIST,
    cells: int = MOST_CELLS,
    seed: int = 0,
    layer: str | None = None,
    total: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Make a parametric UMAP from a model's embedding, and add it to the bundle.

    umap-learn lays the cells out; a network of three layers of 100 learns their places with scikit-learn, and is then
    trained on with UMAP's own loss, so that neighbours stay neighbours. Takes a minute or two for 50,000 cells.

    Parameters
    ----------
    bundle
        The bundle's folder; ``umap.onnx`` and, from the same cells, ``reference.npz`` are added.
    adata
        Cells to learn from, best those that the model was trained on. Without them the embedding is that of the
        bundle's reference.
    basis
        A key of ``adata.obsm``: a layout that the network is to imitate, instead of a new one.
    embedding
        The model's embedding, if it is known already, [cells, d]: instead of `adata`.
    labels
        The obs column with the labels that the model was trained with, kept in the reference.
    neighbours, min_dist
        Of the UMAP.
    cells
        Cells to learn from, at most; more of them are sampled.
    seed
        Of all that is drawn: the same seed and cells give the same map.
    layer, total, threads
        As in `Model.predict`.
    overwrite
        Whether a map that is there may be replaced. A reference that is there is placed anew, or dropped where it
        has no embedding.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Path
        The bundle's folder.

    Raises
    ------
    ValueError
        If the bundle has no embedding, has a map already or is not the user's own folder, or cells are too few.
    InputError
        If the cells, the basis or the embedding cannot be used; the message says what would help.
    """
    from tqdm.auto import tqdm

    model = own_model(bundle)
    if model.bundle.umap_path is not None and not overwrite:
        raise ValueError(f"{bundle} has a map (umap.onnx) already. Pass overwrite=True to replace it.")
    if adata is not None and embedding is not None:
        raise ValueError("Give adata or its embedding, not both.")
    with tqdm(total=100, disable=not progress, bar_format="{desc:<24}{bar} {elapsed}") as bar:

        def tell(what: str, upto: float) -> None:
            bar.set_description(what)
            bar.update(upto - bar.n)

        tell("running the model", 0)
        if adata is not None:
            options: dict[str, Any] = {"labels": labels, "layer": layer, "total": total, "threads": threads}
            source = _of_adata(model, adata, basis, cells=cells, seed=seed, **options)
        else:
            source = _of_embedding(model, embedding, basis, cells=cells, seed=seed)
        layers = learn_map(source.embedding, source.xy, neighbours=neighbours, min_dist=min_dist, seed=seed, tell=tell)
        files: dict[str, bytes | None] = {"umap.onnx": mlp_graph(layers)}
        known = source.known
        files["reference.npz"] = None if known is None else npz(**known | {"xy": places(layers, known["embedding"])})
        folder = rewrite(model.bundle, model.bundle.folder, files=files)
        tell("done", 100)
    return folder


def learn_map(
    embedding: Floats,
    xy: Floats | None = None,
    near: Neighbours | None = None,
    *,
    neighbours: int = NEIGHBOURS,
    min_dist: float = MIN_DIST,
    seed: int = 0,
    tell: Told = lambda what, upto: None,
) -> list[tuple[Floats, Floats]]:
    """Learn the layers of a map: weight [inputs, outputs] and bias of each, with ReLU between them.

    Parameters
    ----------
    embedding
        Float32 [cells, d].
    xy
        Places to imitate, [cells, 2]; None lets umap-learn lay cells out.
    near
        The neighbours that the places are made from, for UMAP's loss to refine the network by; without them, places
        that are given are imitated and no more.
    neighbours, min_dist, seed
        As in `parametric_umap`.
    tell
        Called with what is done next, and how much of 100 is behind.
    """
    from threadpoolctl import threadpool_limits

    if len(embedding) < FEWEST:
        raise ValueError(f"A map cannot be learnt from {len(embedding):,} cells; it takes {FEWEST} at least.")
    scale = Scale.of(embedding)
    x = scale.apply(embedding)
    if xy is None:
        tell("laying cells out", 5)
        xy, near = lay_out(embedding, neighbours=neighbours, min_dist=min_dist, seed=seed)
    tell("learning their places", 60)
    with threadpool_limits(1):  # matrices are too small to share, and sums do not depend on the number of cores
        layers = imitate(x, xy, seed=seed)
        if near is not None:
            layers = refine(layers, x, near, seed=seed, on_step=lambda step, of: tell("refining", 70 + 29 * step / of))
            weight, bias = layers[-1]
            layers[-1] = (weight, bias - places(layers, x).mean(axis=0))
    return unscaled(layers, scale.mean, scale.spread)


def lay_out(embedding: Floats, *, neighbours: int, min_dist: float, seed: int) -> tuple[Floats, Neighbours]:
    """Let umap-learn place cells, float32 [cells, 2]; with the graph of neighbours that it did so by."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP
        from umap.umap_ import find_ab_params

        fitted = UMAP(
            n_neighbors=min(neighbours, len(embedding) - 1), min_dist=min_dist, random_state=seed, n_jobs=1
        ).fit(embedding)
        a, b = find_ab_params(1.0, min_dist)
    graph = fitted.graph_.tocoo()
    near = Neighbours(graph.row, graph.col, graph.data.astype(np.float64), float(a), float(b))
    return fitted.embedding_.astype(np.float32), near


def _of_adata(model: Model, adata: AnnData, basis: str | None, **options: Any) -> Cells:
    layout = None if basis is None else ExistingBasis(adata, basis)
    rows, known = run_on_training_cells(model, adata, **options)
    return Cells(known["embedding"], known, None if layout is None else layout.xy[rows])


def _of_embedding(model: Model, embedding: ArrayLike | None, basis: str | None, *, cells: int, seed: int) -> Cells:
    if basis is not None:
        raise ValueError("basis names a layout in adata.obsm: give adata too.")
    reference = model.bundle.reference()
    known: dict[str, NDArray[Any]] | None = None
    if reference is not None and reference.embedding is not None:
        known = {"embedding": reference.embedding, "label": reference.label}
        if reference.truth is not None:
            known["truth"] = reference.truth
    if embedding is None:
        if known is None:
            raise ValueError("There is nothing to learn a map from: give adata, best the cells of the training.")
        return Cells(known["embedding"], known)
    values = np.asarray(embedding, dtype=np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError(f"embedding must be finite numbers [cells, d], not {values.shape} or with NaN.")
    if _width(model) not in (values.shape[1], None):
        raise InputError(f"embedding has {values.shape[1]} numbers a cell, that of the model {_width(model)}.")
    if len(values) > cells:
        values = values[np.sort(np.random.default_rng(seed).permutation(len(values))[:cells])]
    return Cells(values, known)


def _width(model: Model) -> int | None:
    """Length of the model's embedding, as far as its graph states it."""
    import onnx

    graph = onnx.load(model.bundle.model_path, load_external_data=False).graph
    last = next(output.type.tensor_type.shape.dim[-1] for output in graph.output if output.name == "embedding")
    return last.dim_value or None
