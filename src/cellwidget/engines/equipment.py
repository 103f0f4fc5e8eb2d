"""What a page needs to run a bundle: onnxruntime-web's WebAssembly, and the graphs cut down to what is asked for."""

from __future__ import annotations

import hashlib
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from cellwidget.bundle import BundleError
from cellwidget.engines.chain import chain_of
from cellwidget.engines.sizes import most_cells
from cellwidget.graphs.doubles import computes_in_double

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cellwidget.bundle import Bundle
    from cellwidget.engines.chain import Stage
    from cellwidget.messages import Asset, AssetName, Equipment

RUNTIME, GPU_RUNTIME = "onnxruntime.wasm.gz", "onnxruntime-webgpu.wasm.gz"
WORKING_BYTES = 128 * 2**20
"""Less than in the kernel, since each worker needs its own."""


def has_runtime() -> bool:
    """Whether the package was built with the runtime for pages."""
    return (files("cellwidget") / "static" / RUNTIME).is_file()


@cache
def _runtime(name: str) -> bytes:
    return (files("cellwidget") / "static" / name).read_bytes()


class Equipped:
    """The files of a bundle that go to pages.

    Parameters
    ----------
    bundle
        The model.
    outputs
        Which of the streamed outputs are wanted.
    workers
        How many workers the user wants; None leaves it to the page.
    """

    def __init__(self, bundle: Bundle, outputs: Sequence[str], workers: int | None = None) -> None:
        self._bundle = bundle
        self._workers = workers
        given = {*bundle.outputs, *(["xy"] if bundle.umap_path is not None else [])}
        self.outputs = [name for name in outputs if name in given]

    @cached_property
    def contents(self) -> dict[AssetName, bytes]:
        """The files by name.

        Raises
        ------
        BundleError
            If the model keeps its weights in files beside the graph, which a page cannot read.
        """
        bundle = self._bundle
        beside = [path.name for path in bundle.folder.glob("*.data")]
        if beside:
            raise BundleError(
                f"{bundle.manifest.title} keeps weights beside its graph, in {beside[0]}, which a page cannot read. "
                f"Use the kernel engine."
            )
        stages = self._stages
        contents: dict[AssetName, bytes] = {"wasm": _runtime(RUNTIME)}
        contents |= {stage.name: stage.graph for stage in stages}
        if not any(computes_in_double(stage.graph) for stage in stages):
            contents["webgpu"] = _runtime(GPU_RUNTIME)
        return contents

    def describe(self) -> Equipment:
        """Tell a page what there is."""
        contents = self.contents
        assets: dict[AssetName, Asset] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        }
        return {
            "assets": assets,
            "stages": [{"asset": each.name, "inputs": each.inputs, "outputs": each.outputs} for each in self._stages],
            "outputs": self.outputs,
            "largest_batch": most_cells(WORKING_BYTES, self._bundle),
            "workers": self._workers,
        }

    @cached_property
    def _stages(self) -> list[Stage]:
        return chain_of(self._bundle, self.outputs)
