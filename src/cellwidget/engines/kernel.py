"""The engine of the kernel: onnxruntime."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.batch import Batch, ResultBatch
from cellwidget.bundle import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cellwidget.bundle import Bundle

INPUTS = {
    "genes": ("tensor(int32)", 2),
    "counts": ("tensor(float)", 2),
    "total": ("tensor(float)", 1),
    "uniform": ("tensor(double)", 2),
    "batch": ("tensor(int64)", 1),
}
MODEL_OUTPUTS = ("logits", "embedding", "attention", "attention_genes")
STREAMED_OUTPUTS = ("logits", "embedding", "xy")
WORKING_BYTES = 256 * 2**20
BYTES_PER_GENE = 24
"""What a graph that spreads a cell over all of the model's genes holds of it at once: some copies in 4 or 8 bytes."""


class KernelEngine:
    """Runs a bundle's graphs with onnxruntime, which lets other threads run meanwhile.

    Parameters
    ----------
    bundle
        The model.
    threads
        Threads of one batch; None for all cores that this process may use.
    outputs
        What `run` gives: any of the model's outputs and "xy"; None for those that are streamed. What is not asked for
        is not computed.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None, outputs: Sequence[str] | None = None) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self._bundle = bundle
        self._threads = threads or _cores()
        self._wanted = tuple(STREAMED_OUTPUTS if outputs is None else outputs)
        self._model: _Graph | None = None
        self._umap: _Graph | None = None
        self._loading = threading.Lock()
        self.largest_batch = max(1, WORKING_BYTES // (BYTES_PER_GENE * max(1, len(bundle.genes))))

    def load(self) -> None:
        """Load the graphs, and check that they are what the manifest says.

        Raises
        ------
        BundleError
            If a graph cannot be loaded, or does not fit the manifest.
        """
        with self._loading:
            if self._model is not None:
                return
            model = _Graph(self._bundle.model_path, self._threads)
            _check_model(model, self._bundle)
            if self._bundle.umap_path is not None:
                self._umap = _Graph(self._bundle.umap_path, self._threads)
                _check_umap(self._umap, model)
            self._model = model

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch, for what is streamed unless told otherwise.

        Raises
        ------
        ValueError
            If the batch lacks an input that the model needs.
        """
        return self._run(batch, self._wanted)

    def explain(self, batch: Batch) -> ResultBatch:
        """Run a batch for all that the model tells: attention too, where it has some."""
        return self._run(batch, (*MODEL_OUTPUTS, "xy"))

    def _run(self, batch: Batch, wanted: Sequence[str]) -> ResultBatch:
        self.load()
        assert self._model is not None  # load raises or sets it
        with_xy = "xy" in wanted and self._umap is not None
        names = [name for name in self._bundle.outputs if name in wanted or (name == "embedding" and with_xy)]
        outputs = self._model.run(_feed(self._model, batch), names)
        if with_xy and self._umap is not None:
            (source,), (target,) = self._umap.inputs, self._umap.outputs
            outputs["xy"] = self._umap.run({source: outputs["embedding"]}, [target])[target]
        kept = {name: values for name, values in outputs.items() if name in wanted}
        return ResultBatch(batch.rows, kept)


class _Graph:
    """One ONNX file, loaded."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # threads that wait must leave their core to the reader, the page and the user
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # batches differ in width, and a plan would be kept for every shape
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # errors are raised, and retried; printing them would only alarm
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the classes it raises have no common base but this
            raise BundleError(
                f"{path.name} cannot be loaded by onnxruntime {ort.__version__}: {error}. "
                f"Get the bundle again, or convert it again with this version of cellwidget."
            ) from error
        self._run_options = ort.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self._run_options.log_severity_level = 4
        self.name = path.name
        self.inputs: dict[str, Any] = {node.name: node for node in self._session.get_inputs()}
        self.outputs: dict[str, Any] = {node.name: node for node in self._session.get_outputs()}

    def run(self, feed: dict[str, NDArray[Any]], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Compute the outputs of these names that the graph has."""
        there = [name for name in names if name in self.outputs]
        return dict(zip(there, self._session.run(there, feed, self._run_options), strict=True))


def _feed(graph: _Graph, batch: Batch) -> dict[str, NDArray[Any]]:
    feed = {}
    for name in graph.inputs:
        values = getattr(batch, name)
        if values is None:
            raise ValueError(f"the model needs the input {name!r}, which these batches do not carry")
        feed[name] = np.ascontiguousarray(values)
    return feed


def _check_model(graph: _Graph, bundle: Bundle) -> None:
    def refuse(what: str) -> BundleError:
        return BundleError(f"{graph.name} does not fit its manifest: {what}. Get or convert the bundle again.")

    for name, node in graph.inputs.items():
        if name not in INPUTS:
            raise refuse(f"it has an unknown input {name!r}")
        kind, rank = INPUTS[name]
        if node.type != kind or len(node.shape) != rank:
            raise refuse(f"its input {name!r} is {node.type} of {len(node.shape)} axes, not {kind} of {rank}")
    for name in ("genes", "counts"):
        if name not in graph.inputs:
            raise refuse(f"it has no input {name!r}")
    known = [name for name in MODEL_OUTPUTS if name in graph.outputs]
    if not known:
        raise refuse(f"it has none of the outputs {', '.join(MODEL_OUTPUTS)}")
    if missing := [name for name in bundle.outputs if name not in (*known, "xy")]:
        raise refuse(f"it lacks the output {missing[0]!r}")
    classes = _width(graph, "logits")
    if "logits" in bundle.outputs and classes is not None and classes != len(bundle.classes):
        raise refuse(f"it tells {classes} classes apart, {len(bundle.classes)} are named")


def _check_umap(umap: _Graph, model: _Graph) -> None:
    def refuse(what: str) -> BundleError:
        return BundleError(f"{umap.name} does not fit the model: {what}. Get or convert the bundle again.")

    if len(umap.inputs) != 1 or len(umap.outputs) != 1:
        raise refuse("it must have one input, the embedding, and one output, xy")
    if "embedding" not in model.outputs:
        raise refuse("the model gives no embedding")
    (source,), (target,) = umap.inputs, umap.outputs
    if _width(umap, target) not in (2, None):
        raise refuse(f"it gives places in {_width(umap, target)} dimensions, not 2")
    needed, given = _width(umap, source, of="inputs"), _width(model, "embedding")
    if needed is not None and given is not None and needed != given:
        raise refuse(f"it takes embeddings of {needed} numbers, the model gives {given}")


def _width(graph: _Graph, name: str, of: str = "outputs") -> int | None:
    """Length of the last axis where the graph states it."""
    node = getattr(graph, of).get(name)
    last = node.shape[-1] if node is not None and node.shape else None
    return last if isinstance(last, int) else None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
