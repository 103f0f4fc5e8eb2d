"""Whether graphs are what their manifest says, as far as they state it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cellwidget.bundle import BundleError

if TYPE_CHECKING:
    from cellwidget.bundle import Bundle

INPUTS = {
    "genes": ("tensor(int32)", 2),
    "counts": ("tensor(float)", 2),
    "total": ("tensor(float)", 1),
    "uniform": ("tensor(double)", 2),
    "batch": ("tensor(int64)", 1),
}


class Graph(Protocol):
    """A graph that was loaded: its inputs and outputs by name."""

    title: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


def check_model(graph: Graph, bundle: Bundle) -> None:
    """Refuse a model whose inputs, outputs or number of classes are not those of its manifest, with a BundleError."""

    def refuse(what: str) -> BundleError:
        return BundleError(f"{graph.title} does not fit its manifest: {what}. Get or convert the bundle again.")

    for name, node in graph.inputs.items():
        if name not in INPUTS:
            raise refuse(f"it has an unknown input {name!r}")
        kind, rank = INPUTS[name]
        if node.type != kind or len(node.shape) != rank:
            raise refuse(f"its input {name!r} is {node.type} of {len(node.shape)} axes, not {kind} of {rank}")
    for name in ("genes", "counts"):
        if name not in graph.inputs:
            raise refuse(f"it has no input {name!r}")
    classes = _width(graph, "logits")
    if "logits" in bundle.outputs and classes is not None and classes != len(bundle.classes):
        raise refuse(f"it tells {classes} classes apart, {len(bundle.classes)} are named")


def check_umap(umap: Graph, model: Graph) -> None:
    """Refuse a map that does not take the model's embedding or does not give places, with a BundleError."""

    def refuse(what: str) -> BundleError:
        return BundleError(f"{umap.title} does not fit the model: {what}. Get or convert the bundle again.")

    (source,), (target,) = umap.inputs, umap.outputs
    if _width(umap, target) not in (2, None):
        raise refuse(f"it gives places in {_width(umap, target)} dimensions, not 2")
    needed, given = _width(umap, source, of="inputs"), _width(model, "embedding")
    if needed is not None and given is not None and needed != given:
        raise refuse(f"it takes embeddings of {needed} numbers, the model gives {given}")


def _width(graph: Graph, name: str, of: str = "outputs") -> int | None:
    """Length of the last axis where the graph states it."""
    node = getattr(graph, of).get(name)
    last = node.shape[-1] if node is not None and node.shape else None
    return last if isinstance(last, int) else None
