"""Distil files of a SIMS model for the tests of their readers: a checkpoint and an export, both of 24 genes.

python scripts/distil/sims_files.py: reads the full fixtures, writes tests/data/sims/tiny.ckpt and tiny.onnx. Both stay
as torch, Lightning and torch's exporter wrote them, but for sizes, for parts that no reader needs, and for the names
in the export.
"""

from __future__ import annotations

import itertools
import os
import pickle
import pickletools
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from cellwidget.convert.inert import Tensor
from cellwidget.convert.torchfile import torch_file

ROOT = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures")) / "sims"
SOURCE = FIXTURES / "sims-pbmc68k-small.ckpt"
TARGET = ROOT / "tests/data/sims"
GENES, KEPT = 650, 24
CELLS = 2


def main() -> None:
    """Write both."""
    with np.load(FIXTURES / "golden_public.npz") as golden:
        looked_at = golden["torch_attention"].sum(axis=0)
    places = np.sort(np.argsort(-looked_at)[:KEPT])
    _checkpoint(TARGET / "tiny.ckpt", places)
    _export(TARGET / "tiny.onnx", places)
    for path in (TARGET / "tiny.ckpt", TARGET / "tiny.onnx"):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def cut(array: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Keep some genes of an array that has an axis of them."""
    for axis, size in enumerate(array.shape):
        if size == GENES:
            array = np.take(array, places, axis=axis)
    return array


# ── the checkpoint ───────────────────────────────────────────────────────────────────────────────


def _checkpoint(target: Path, places: np.ndarray) -> None:
    with torch_file(SOURCE) as root, zipfile.ZipFile(SOURCE) as archive:
        state = root["state_dict"]
        tensors = {value.storage.key: value.array() for value in state.values() if isinstance(value, Tensor)}
        with zipfile.ZipFile(target, "w") as out:
            for info in archive.infolist():
                folder, _, key = info.filename.partition("/data/")
                if key in tensors:
                    out.writestr(f"{folder}/data/{key}", cut(tensors[key], places).tobytes())
                elif info.filename.endswith("data.pkl"):
                    out.writestr(info.filename, _pickle(archive.read(info), set(places.tolist())))
                elif not key:
                    out.writestr(info.filename, archive.read(info))


def _pickle(data: bytes, places: set[int]) -> bytes:
    """Leave out what Lightning keeps to go on training, and names of genes and cells; make sizes fit."""
    parts = _parts(data)
    keys = {arg: at for at, (_, arg, _) in enumerate(parts) if isinstance(arg, str)}
    begin, end = keys["loops"] + 2, keys["hparams_name"]
    whole, parts = parts, [*parts[:begin], ("EMPTY_DICT", None, pickle.EMPTY_DICT), *parts[end:]]
    parts = _shortened(parts, "genes", places)
    parts = _shortened(parts, "cells", set(range(CELLS)))
    sizes = {size * GENES: size * KEPT for size in (1, 8, 32)}
    parts = _referred(parts, whole)
    return b"".join(
        pickle.BININT2 + struct.pack("<H", sizes[arg]) if name == "BININT2" and arg in sizes else raw
        for name, arg, raw in parts
    )


def _parts(data: bytes) -> list[tuple[str, object, bytes]]:
    ops = [(op.name, arg, at) for op, arg, at in pickletools.genops(data)]
    ends = [at for _, _, at in ops[1:]] + [len(data)]
    return [(name, arg, data[at:end]) for (name, arg, at), end in zip(ops, ends, strict=True)]


def _shortened(parts: list[tuple[str, object, bytes]], key: str, kept: set[int]) -> list[tuple[str, object, bytes]]:
    """Keep some of a list of names, each of which is a text and its place in the memo."""
    at = next(at for at, (name, arg, _) in enumerate(parts) if name == "BINUNICODE" and arg == key)
    begin = next(place for place in range(at, len(parts)) if parts[place][0] == "MARK") + 1
    end = next(place for place in range(begin, len(parts)) if parts[place][0] == "APPENDS")
    names = [parts[begin + 2 * number : begin + 2 * number + 2] for number in sorted(kept)]
    return parts[:begin] + [part for pair in names for part in pair] + parts[end:]


def _referred(
    parts: list[tuple[str, object, bytes]], whole: list[tuple[str, object, bytes]]
) -> list[tuple[str, object, bytes]]:
    """Say again what is referred to but was left out: texts and names, which need no state."""
    made = {arg: before for before, (name, arg, _) in itertools.pairwise(whole) if "PUT" in name}
    known = {arg for name, arg, _ in parts if "PUT" in name}
    said = [made[part[1]] if "GET" in part[0] and part[1] not in known else part for part in parts]
    assert all(part[0] in ("BINUNICODE", "GLOBAL") for part, was in zip(said, parts, strict=True) if part is not was)
    return said


# ── the export ───────────────────────────────────────────────────────────────────────────────────


def _export(target: Path, places: np.ndarray) -> None:
    model = onnx.load(FIXTURES / "sims-pbmc68k-small.onnx")
    graph = model.graph
    for tensor in graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(cut(numpy_helper.to_array(tensor), places), tensor.name))
    del graph.value_info[:]
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = KEPT
    for output in graph.output:
        for dim in output.type.tensor_type.shape.dim:
            if dim.dim_value == GENES:
                dim.dim_value = KEPT
    _rename(graph)
    target.write_bytes(model.SerializeToString())


def _rename(graph: onnx.GraphProto) -> None:
    """Give short names to all but what goes in and out."""
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}

    def short(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}")

    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        node.name = ""
        node.doc_string = ""
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]


if __name__ == "__main__":
    main()
