"""Putting results into an AnnData: all of them or none, and never over somebody else's keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cellwidget.results.unassigned import UNASSIGNED_COLOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from cellwidget.results.store import Results

MAKER = "cellwidget"
"""What ``uns[key]["made_by"]`` says where the keys are ours."""


class KeyTaken(ValueError):
    """A key that results would go to holds something that is not ours."""


class Slot(NamedTuple):
    """A place in an AnnData: one of "obs", "obsm", "uns", and the key there."""

    where: str
    key: str

    def __str__(self) -> str:
        return f"{self.where}[{self.key!r}]"


def slots(key: str) -> dict[str, Slot]:
    """All places that results may go to under a key, by what goes there."""
    return {
        "label": Slot("obs", f"{key}_label"),
        "score": Slot("obs", f"{key}_score"),
        "distance": Slot("obs", f"{key}_distance"),
        "unlike": Slot("obs", f"{key}_unlike_training"),
        "embedding": Slot("obsm", f"X_{key}"),
        "umap": Slot("obsm", f"X_{key}_umap"),
        "colors": Slot("uns", f"{key}_label_colors"),
        "info": Slot("uns", key),
    }


def check_keys(adata: AnnData, key: str, overwrite: bool = False) -> None:
    """Refuse a key under which something lies that this package did not write.

    Parameters
    ----------
    adata
        Where results would go.
    key
        What results go under.
    overwrite
        Whether anything may be overwritten.

    Raises
    ------
    ValueError
        If the key cannot be one.
    KeyTaken
        If a place is taken by something that is not ours.
    """
    if not isinstance(key, str) or not key or "/" in key:
        raise ValueError(f"key_added must be a text without '/' (files cannot hold such keys), not {key!r}")
    if overwrite:
        return
    ours = _ours(adata, key)
    taken = [str(slot) for slot in slots(key).values() if slot.key in getattr(adata, slot.where) and slot not in ours]
    if taken:
        raise KeyTaken(
            f"{' and '.join(taken)} would be overwritten. "
            f"Choose another key_added than {key!r}, or pass overwrite=True to replace what is there."
        )


def write(
    adata: AnnData,
    results: Results,
    obs_names: pd.Index[str],
    *,
    key: str,
    info: Mapping[str, Any],
    layout: bool,
    colors: Sequence[str] | None = None,
    overwrite: bool = False,
) -> str:
    """Put results into an AnnData; on any error it is left as it was.

    Parameters
    ----------
    adata
        Where to: the dataset that was run, or one that shares cells with it.
    results, obs_names
        The results, and the names of their cells.
    key
        What they go under: ``obs["{key}_label"]``, ``obs["{key}_score"]``, ``obs["{key}_distance"]`` and
        ``obs["{key}_unlike_training"]`` where the model knows its training cells, ``obsm["X_{key}"]``,
        ``obsm["X_{key}_umap"]``, ``uns["{key}_label_colors"]`` and ``uns[key]``.
    info
        What to record in ``uns[key]``; entries that are None are left out, since old files cannot hold them.
    layout
        Whether places are new; those of an existing basis are not written again.
    colors
        One ``#rrggbb`` per class.
    overwrite
        Whether keys that are not ours may be overwritten.

    Returns
    -------
    str
        The obs key of the labels; for a model without labels the obsm key of the embedding.

    Raises
    ------
    ValueError
        If `adata` is a view, or its cells cannot be told to be those of the results.
    KeyTaken
        If a place is taken by something that is not ours.
    """
    check_writable(adata)
    check_keys(adata, key, overwrite)
    rows = _aligned(adata.obs_names, obs_names)
    values = _values(results, rows, layout=layout, colors=colors)
    places = slots(key)
    wrote = [str(places[name]) for name in (*values, "info")]
    limit = None if results.nearness is None else results.nearness.limit
    values["info"] = _info({**info, "distance_limit": limit}, wrote)
    stale = _ours(adata, key) | ({*places.values()} if overwrite else set())
    _swap(adata, {places[name]: value for name, value in values.items()}, stale)
    return next(places[name].key for name in ("label", "embedding", "umap", "info") if name in values)


def check_writable(adata: AnnData) -> None:
    """Refuse a view, which would be turned into a copy that its owner never sees.

    Raises
    ------
    ValueError
        With the remedy.
    """
    if adata.is_view:
        raise ValueError(
            "This AnnData is a view of another: results written to it would be lost. "
            "Make it its own first, with adata = adata.copy()."
        )


def _ours(adata: AnnData, key: str) -> set[Slot]:
    """Find the places that an earlier run of ours filled."""
    entry = adata.uns.get(key)
    if not isinstance(entry, Mapping) or str(entry.get("made_by")) != MAKER:
        return set()
    wrote = {str(place) for place in np.atleast_1d(np.asarray(entry.get("wrote", [])))}
    return {slot for slot in slots(key).values() if str(slot) in wrote}


def _aligned(target: pd.Index[str], source: pd.Index[str]) -> NDArray[np.int64] | None:
    """For each cell of the target its row in the results, -1 for none; None where they are the same."""
    if target.equals(source):
        return None
    for index, whose in ((target, "this AnnData"), (source, "the run")):
        if not index.is_unique:
            name = index[index.duplicated()][0]
            raise ValueError(
                f"obs_names of {whose} are repeated ({name!r} and perhaps others), so cells cannot be matched by name. "
                f"Call adata.obs_names_make_unique() before running."
            )
    rows: NDArray[np.int64] = source.get_indexer(target).astype(np.int64)
    if not (rows >= 0).any():
        raise ValueError(
            f"None of the cells of this AnnData were in the run: it has {target[0]!r}, the run had {source[0]!r}."
            if len(target) and len(source)
            else "This AnnData has no cells."
        )
    return rows


def _values(
    results: Results, rows: NDArray[np.int64] | None, *, layout: bool, colors: Sequence[str] | None
) -> dict[str, Any]:
    """Gather what goes where, by the names of `slots`."""
    values: dict[str, Any] = {}
    if results.classes:
        frame = results.predictions(np.arange(len(results)))
        if rows is not None:
            frame = frame.reindex(rows)  # -1 is no row, so those cells get missing values
        label = frame["label"].cat.remove_unused_categories()  # scanpy's statistics stumble over empty groups
        values["label"], values["score"] = label.array, frame["score"].to_numpy()
        if colors is not None:
            by_class = dict(zip(results.classes, colors, strict=True)) | {results.unassigned: UNASSIGNED_COLOR}
            values["colors"] = np.array([by_class[name] for name in label.cat.categories])
    if results.nearness is not None:
        distance = _picked(results.distance, rows)
        values["distance"], values["unlike"] = distance, distance > results.nearness.limit
    if results.embedding is not None:
        values["embedding"] = _picked(results.embedding, rows)
    if layout and results.counts[2]:
        values["umap"] = _picked(results.xy, rows)
    return values


def _picked(values: NDArray[np.float32], rows: NDArray[np.int64] | None) -> NDArray[np.float32]:
    if rows is None:
        return values.copy()
    picked = values[rows]
    picked[rows < 0] = np.nan
    return picked


def _info(info: Mapping[str, Any], wrote: list[str]) -> dict[str, Any]:
    given = {name: value for name, value in info.items() if value is not None}
    return given | {"made_by": MAKER, "wrote": np.array(wrote)}


def _swap(adata: AnnData, values: dict[Slot, Any], stale: set[Slot]) -> None:
    """Set values and drop what an earlier run left beside them; undo everything if one of them fails."""
    touched = [*values, *(slot for slot in stale if slot not in values)]
    before = {slot: getattr(adata, slot.where)[slot.key] for slot in touched if slot.key in getattr(adata, slot.where)}
    try:
        for slot in touched:
            _put(adata, slot, values.get(slot))
    except BaseException:
        for slot in touched:
            _put(adata, slot, before.get(slot))
        raise


def _put(adata: AnnData, slot: Slot, value: Any) -> None:
    """Set a value, or take it away where it is None."""
    holder = getattr(adata, slot.where)
    if value is not None:
        holder[slot.key] = value
    elif slot.key in holder:
        del holder[slot.key]
