"""Models on a page alone: one worker, or the pool, without a kernel."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.batch import Batch
from cellwidget.engines.chain import chain_of
from cellwidget.graphs.prune import pruned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import Page

    from cellwidget.bundle import Bundle

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "js" / "dist" / "engine.html"
STATIC = REPOSITORY / "src" / "cellwidget" / "static"


@dataclass(frozen=True)
class Network:
    """A model's graphs, and what is asked of them."""

    model: bytes
    umap: bytes | None
    inputs: list[str]
    outputs: list[str]

    def files(self, *, webgpu: bool = False) -> dict[str, Any]:
        """What the page needs of it."""
        wanted = {name for name in self.outputs if name != "xy"} | ({"embedding"} if self.umap else set())
        stages = [(pruned(self.model, wanted), {name: name for name in self.inputs}, {name: name for name in wanted})]
        if self.umap is not None:
            stages.append((self.umap, {"embedding": "embedding"}, {"xy": "xy"}))
        return _files(stages, self.outputs, webgpu=webgpu)


@dataclass(frozen=True)
class Chained:
    """A bundle as pages get it."""

    bundle: Bundle
    outputs: list[str]

    def files(self, *, webgpu: bool = False) -> dict[str, Any]:
        """What the page needs of it."""
        stages = [(each.graph, each.inputs, each.outputs) for each in chain_of(self.bundle, self.outputs)]
        return _files(stages, self.outputs, webgpu=webgpu)


@dataclass(frozen=True)
class Tokens:
    """What the network of a bundle reads."""

    bundle: Bundle

    def files(self, *, webgpu: bool = False) -> dict[str, Any]:
        """What the page needs of it."""
        graph = pruned(self.bundle.model_path.read_bytes(), {"tokens"})
        stages = [(graph, {name: name for name in self.bundle.inputs}, {"tokens": "tokens"})]
        return _files(stages, ["tokens"], webgpu=webgpu)


def _files(
    stages: Sequence[tuple[bytes, dict[str, str], dict[str, str]]], outputs: list[str], *, webgpu: bool
) -> dict[str, Any]:
    return {
        "key": "m",
        "wasm": _text((STATIC / "onnxruntime.wasm.gz").read_bytes()),
        **({"webgpu": _text((STATIC / "onnxruntime-webgpu.wasm.gz").read_bytes())} if webgpu else {}),
        "stages": [{"graph": _text(graph), "inputs": takes, "outputs": gives} for graph, takes, gives in stages],
        "outputs": outputs,
    }


def policed(folder: Path, policy: str) -> Path:
    """The page under a security policy, in a folder."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}" />'
    for name, text in ((PAGE.name, PAGE.read_text().replace("<head>", f"<head>{meta}")), ("engine.js", None)):
        (folder / name).write_text(text or PAGE.with_suffix(".js").read_text())
    return folder / PAGE.name


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def piece(batch: Batch) -> dict[str, list[Any]]:
    """A batch in compressed rows, as lists."""
    there = batch.genes >= 0
    parts: dict[str, list[Any]] = {
        "indptr": [0, *np.cumsum(there.sum(axis=1)).tolist()],
        "genes": batch.genes[there].tolist(),
        "counts": batch.counts[there].tolist(),
    }
    for name in ("total", "uniform", "batch"):
        values = getattr(batch, name)
        if values is not None:
            parts[name] = values.ravel().tolist()
    return parts


def pieces(batch: Batch, size: int) -> list[dict[str, list[Any]]]:
    return [piece(batch.cut(slice(at, at + size))) for at in range(0, len(batch), size)]


class Engines:
    """A page that runs models."""

    def __init__(self, page: Page, where: Path = PAGE) -> None:
        self._page = page
        page.goto(where.as_uri())

    def start(self, provider: str, network: Network | Chained | Tokens) -> tuple[int, float]:
        """One worker; its number, and the milliseconds that it took."""
        args = [provider, network.files(webgpu=provider == "webgpu")]
        told = self._page.evaluate("([provider, files]) => engine.start(provider, files)", args)
        return told["at"], told["ms"]

    def run(self, worker: int, batch: Batch, size: int) -> dict[str, NDArray[np.float32]]:
        return joined(self.outcomes(worker, batch, size))

    def outcomes(self, worker: int, batch: Batch, size: int) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self._page.evaluate(
            "([worker, pieces]) => engine.run(worker, pieces)", [worker, pieces(batch, size)]
        )
        return told

    def load(self, network: Network | Chained | Tokens, *, workers: int, gpu: str, webgpu: bool = False) -> int:
        """A pool."""
        args = [network.files(webgpu=webgpu), {"workers": workers, "gpu": gpu}]
        return int(self._page.evaluate("([files, options]) => engine.load(files, options)", args))

    def pooled(self, pool: int, batch: Batch, size: int) -> dict[str, NDArray[np.float32]]:
        args = [pool, pieces(batch, size)]
        return joined(self._page.evaluate("([pool, pieces]) => engine.pooled(pool, pieces)", args))

    def state(self, pool: int) -> dict[str, Any]:
        return dict(self._page.evaluate("(pool) => engine.state(pool)", pool))


def joined(outcomes: Sequence[dict[str, Any]]) -> dict[str, NDArray[np.float32]]:
    """Outputs of several pieces, one after the other; no cell may have failed."""
    assert [failed for outcome in outcomes for failed in outcome["failed"]] == []
    return {
        name: np.concatenate(
            [
                np.array(outcome["outputs"][name]["values"], dtype=np.float32).reshape(-1, output["width"])
                for outcome in outcomes
            ]
        )
        for name, output in outcomes[0]["outputs"].items()
    }
