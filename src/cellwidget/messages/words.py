"""Words and numbers that kernel and page share."""

from __future__ import annotations

from typing import Literal

PROTOCOL = 1

Status = Literal["idle", "waiting", "running", "paused", "done", "stopped", "failed"]
Transport = Literal["binary", "base64"]
DType = Literal["u1", "u2", "u4", "f4", "f8"]
Command = Literal["run", "pause", "resume", "stop", "kernel", "browser"]
EngineName = Literal["kernel", "browser"]
Backend = Literal["onnxruntime", "wasm", "webgpu"]
StageName = Literal["front", "model", "back", "umap"]
AssetName = Literal["wasm", "webgpu"] | StageName
Explains = Literal["attention_weighted", "attention", "occlusion"]

NOT_RUN, DONE, FAILED = 0, 1, 2
"""Where a cell stands: the values of the ``state`` column."""

STREAMED: tuple[str, ...] = ("state", "xy", "label", "score", "second", "second_score", "entropy", "distance")
"""Columns whose rows go out as the run goes on; all others are sent when a page asks."""
