"""The engine of the kernel: onnxruntime."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.batch import Batch, ResultBatch
from cellwidget.bundle import BundleError
from cellwidget.engines.fits import check_model, check_umap, parts_for
from cellwidget.engines.sizes import most_cells
from cellwidget.graphs.prune import output_names, pruned

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cellwidget.bundle import Bundle

STREAMED_OUTPUTS = ("logits", "embedding", "xy")
WORKING_BYTES = 256 * 2**20


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
        self._threads = threads or cores()
        self._wanted = tuple(STREAMED_OUTPUTS if outputs is None else outputs)
        self._model: _Graph | None = None
        self._umap: _Graph | None = None
        self._whole: _Graph | None = None
        self._loading = threading.Lock()
        self.largest_batch = most_cells(WORKING_BYTES, len(bundle.genes))

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
            needed, umap = parts_for(self._bundle, self._wanted)
            model = _Graph(self._bundle.model_path, self._threads, needed)
            check_model(model, self._bundle)
            if umap is not None:
                self._umap = _Graph(umap, self._threads)
                check_umap(self._umap, model)
            self._model = model

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch of at least one cell, for what is streamed unless told otherwise.

        Raises
        ------
        ValueError
            If the batch lacks an input that the model needs.
        """
        self.load()
        assert self._model is not None  # load raises or sets it
        outputs = self._model.run(_feed(self._model, batch))
        if self._umap is not None:
            (source,) = self._umap.inputs
            (outputs["xy"],) = self._umap.run({source: outputs["embedding"]}).values()
        return ResultBatch(batch.rows, {name: values for name, values in outputs.items() if name in self._wanted})

    def explain(self, batch: Batch) -> ResultBatch:
        """Run a batch for all that the model itself tells: attention too, where it has some."""
        self.load()
        with self._loading:
            if self._whole is None:
                self._whole = _Graph(self._bundle.model_path, self._threads)
        return ResultBatch(batch.rows, self._whole.run(_feed(self._whole, batch)))


class _Graph:
    """One ONNX file, loaded for some of its outputs, or for all."""

    def __init__(self, path: Path, threads: int, wanted: Collection[str] | None = None) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # threads that wait must leave their core to the reader, the page and the user
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
        # batches differ in width, and a plan would be kept for every shape
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # errors are raised, and retried; printing them would only alarm
        try:
            model = path.read_bytes()
            self.all_outputs = output_names(model)
            part = model if wanted is None else pruned(model, wanted)
            self._session = ort.InferenceSession(part, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the classes that onnxruntime raises have no common base but this
            raise BundleError(
                f"{path.name} cannot be loaded by onnxruntime {ort.__version__}: {error}. "
                f"Get the bundle again, or convert it again with this version of cellwidget."
            ) from error
        self._run_options = ort.RunOptions()
        self._run_options.log_severity_level = 4
        self.name = path.name
        self.inputs: dict[str, Any] = {node.name: node for node in self._session.get_inputs()}
        self.outputs: dict[str, Any] = {node.name: node for node in self._session.get_outputs()}

    def run(self, feed: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute all outputs that it was loaded for."""
        names = list(self.outputs)
        return dict(zip(names, self._session.run(names, feed, self._run_options), strict=True))


def _feed(graph: _Graph, batch: Batch) -> dict[str, NDArray[Any]]:
    feed = {}
    for name in graph.inputs:
        values = getattr(batch, name)
        if values is None:
            raise ValueError(f"the model needs the input {name!r}, which these batches do not carry")
        feed[name] = np.ascontiguousarray(values)
    return feed


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
