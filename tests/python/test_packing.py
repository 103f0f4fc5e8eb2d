"""What crosses to pages is what was read: packed here, unpacked by the rules that the page follows."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwidget.batch import SparseBatch
from cellwidget.engines.packing import Packed, Packer

from .unpacking import unpacked

CASES = json.loads((Path(__file__).parents[1] / "data/messages/packed.json").read_text())


def batch_of(indptr: Any, genes: Any, counts: Any, **extras: Any) -> SparseBatch:
    return SparseBatch(np.arange(len(indptr) - 1), np.asarray(indptr, np.uint32), genes, counts, **extras)


def same(packed: Packed, order: np.ndarray, cells: SparseBatch) -> None:
    found = unpacked(packed, order)
    np.testing.assert_array_equal(found.indptr, cells.indptr)
    np.testing.assert_array_equal(found.genes, cells.genes)
    np.testing.assert_array_equal(found.counts, cells.counts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_both_sides_agree_on_the_bytes(case: dict[str, Any]) -> None:
    order = np.array(case["order"], np.int32)
    dtype = (
        np.float32
        if case["header"]["counts"] == "f4"
        else np.uint16
        if max(case["counts"], default=0) > 255
        else np.uint8
    )
    cells = batch_of(case["indptr"], np.array(case["genes"], np.uint32), np.array(case["counts"], dtype))
    packed = Packer(order).pack(cells)
    assert packed.header == {"n": len(cells), **case["header"]}
    assert [base64.b64encode(buffer.tobytes()).decode() for buffer in packed.buffers] == case["buffers"]
    same(packed, order, cells)


@given(st.data())
def test_whatever_is_packed_comes_out(data: st.DataObject) -> None:
    n_genes = data.draw(st.sampled_from([1, 5, 300, 2_000, 70_000]))
    matched = data.draw(st.integers(1, n_genes))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    order = rng.permutation(n_genes)[:matched].astype(np.int32)
    lengths = data.draw(st.lists(st.integers(0, min(matched, 400)), min_size=1, max_size=5))
    ranks = [np.sort(rng.choice(matched, size, replace=False)) for size in lengths]
    genes = order[np.concatenate(ranks)].astype(np.uint16 if n_genes <= 65_536 else np.uint32)
    counts = data.draw(
        st.one_of(
            arrays(np.uint8, len(genes), elements=st.integers(0, 255)),
            arrays(np.uint16, len(genes), elements=st.integers(1, 65_535)),
            arrays(np.float32, len(genes), elements=st.floats(-9, 9, width=32)),
        )
    )
    cells = batch_of(np.concatenate([[0], np.cumsum(lengths)]), genes, counts)
    packer = Packer(order)
    assert np.array_equal(np.frombuffer(packer.order, "<u4"), order)
    same(packer.pack(cells), order, cells)


def test_what_goes_beside_the_counts_is_named_and_follows_them() -> None:
    extras = {"total": np.array([5, 8], np.float32), "batch": np.array([1, 0], np.int64)}
    cells = batch_of([0, 1, 2], np.array([0, 1], np.uint16), np.array([5, 8], np.uint8), **extras)
    packed = Packer(np.array([0, 1], np.int32)).pack(cells)
    assert packed.header["extras"] == ["total", "batch"]
    found = unpacked(packed, np.array([0, 1]))
    assert found.total is not None and found.total.tolist() == [5, 8]
    assert packed.buffers[-1].dtype == np.uint32 and packed.nbytes == sum(each.nbytes for each in packed.buffers)
