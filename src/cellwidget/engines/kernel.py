"""The engine of the kernel: onnxruntime."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.batch import Batch, ResultBatch
from cellwidget.bundle import AGAIN, BundleError
from cellwidget.engines.chain import chain_of
from cellwidget.engines.fits import check_model, check_umap
from cellwidget.engines.sizes import most_cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cellwidget.bundle import Bundle
    from cellwidget.engines.chain import Stage

STREAMED_OUTPUTS = ("logits", "embedding", "xy")
ATTENTION_OUTPUTS = ("attention", "attention_weighted", "attention_genes")
"""Streamed too where somebody sums them up."""
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
        self._chain: _Chain | None = None
        self._loading = threading.Lock()
        self.largest_batch = most_cells(WORKING_BYTES, bundle)

    def load(self) -> None:
        """Load the graphs, and check that they are what the manifest says.

        Raises
        ------
        BundleError
            If a graph cannot be loaded, or does not fit the manifest.
        """
        with self._loading:
            if self._chain is None:
                self._chain = _Chain(self._bundle, self._wanted, self._threads)

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch of at least one cell, for what is streamed unless told otherwise.

        Raises
        ------
        ValueError
            If the batch lacks an input that the model needs.
        """
        self.load()
        assert self._chain is not None  # load raises or sets it
        return ResultBatch(batch.rows, self._chain.run(batch))


class _Chain:
    """A bundle's graphs, loaded for some of its outputs."""

    def __init__(self, bundle: Bundle, wanted: Sequence[str], threads: int) -> None:
        self._wanted = wanted
        self._graphs = [_Graph(stage, threads) for stage in chain_of(bundle, wanted)]
        by_name = {graph.name: graph for graph in self._graphs}
        model, umap = by_name.get("model"), by_name.get("umap")
        if model is not None and bundle.naming is None:
            check_model(model, bundle)
        if model is not None and umap is not None:
            check_umap(umap, model)

    def run(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Compute all outputs that were wanted."""
        values: dict[str, NDArray[Any]] = {}
        for graph in self._graphs:
            for name in graph.takes:
                if name not in values:
                    values[name] = _of_batch(batch, name)
            values |= graph.run(values)
        return {name: values[name] for name in self._wanted if name in values}


class _Graph:
    """One graph of a chain."""

    def __init__(self, stage: Stage, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # threads that wait must leave their core to the reader, the page and the user
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(stage.folder))
        # batches differ in width, and a plan would be kept for every shape
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # errors are raised, and retried; printing them would only alarm
        try:
            self._session = ort.InferenceSession(stage.graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the classes that onnxruntime raises have no common base but this
            raise BundleError(
                f"{stage.title} cannot be loaded by onnxruntime {ort.__version__}: {error}. {AGAIN}"
            ) from error
        self._run_options = ort.RunOptions()
        self._run_options.log_severity_level = 4
        self.name, self.title, self.takes = stage.name, stage.title, stage.inputs
        self._gives = stage.outputs
        self.inputs: dict[str, Any] = {node.name: node for node in self._session.get_inputs()}
        self.outputs: dict[str, Any] = {node.name: node for node in self._session.get_outputs()}

    def run(self, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute all outputs that it was loaded for, by the names that a chain calls them."""
        feed = {its: values[ours] for ours, its in self.takes.items()}
        made = self._session.run([*self._gives.values()], feed, self._run_options)
        return dict(zip(self._gives, made, strict=True))


def _of_batch(batch: Batch, name: str) -> NDArray[Any]:
    values: NDArray[Any] | None = getattr(batch, name, None)
    if values is None:
        raise ValueError(f"the model needs the input {name!r}, which these batches do not carry")
    return np.ascontiguousarray(values)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
