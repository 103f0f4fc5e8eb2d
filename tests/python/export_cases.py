"""SIMS networks as exporters write them: dense, every gene sorted at each step, in several dialects."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx

from cellwidget.convert.graph import Graph
from cellwidget.convert.tabnet import Affine, Glu, TabNet


class Export:
    """Writes a network.

    Parameters
    ----------
    net
        The weights.
    dialect
        "matmul": matrices turned beforehand, batch normalisations; "gemm": matrices as torch has them; "folded":
        scales and shifts in place of normalisations, lengths by their square; "grouped": the dense matrix of
        pytorch-tabnet 4.1 after every mask, which is the identity.
    """

    def __init__(self, net: TabNet, dialect: str = "matmul") -> None:
        self.net, self.dialect, self.graph = net, dialect, Graph()

    def write(self) -> bytes:
        """Give the file's bytes."""
        net, graph = self.net, self.graph
        x = self._norm(self._unit(graph.input("input", np.float32, ["cells", net.initial.scale.size])), net.initial)
        _, looking = self._parts(self._transformed(x, net.splitter))
        prior = graph.cast(graph.op("ConstantOfShape", graph.op("Shape", x)), np.float32)
        prior = graph.op("Add", prior, graph.constant(1.0))
        decisions = []
        for step in net.steps:
            scores = self._norm(self._linear(looking, step.attention.weight), step.attention.norm)
            mask = self._mask(graph.op("Mul", scores, prior))
            prior = graph.op("Mul", graph.op("Sub", graph.constant(net.gamma), mask), prior)
            seen = mask
            if self.dialect == "grouped":
                seen = graph.op("MatMul", mask, graph.constant(np.eye(net.initial.scale.size)))
            decision, looking = self._parts(self._transformed(graph.op("Mul", seen, x), step.layers))
            decisions.append(graph.op("Relu", decision))
        embedding = graph.op("Sum", *decisions)
        logits = graph.op("Div", self._linear(embedding, net.final), graph.constant([[net.temperature]]))
        graph.output("logits", logits, np.float32, ["cells", len(net.final)])
        graph.output("encoding", embedding, np.float32, ["cells", net.n_d])
        return graph.serialize("export")

    def _unit(self, x: str) -> str:
        if self.dialect != "folded":
            return self.graph.op("LpNormalization", x, axis=1, p=2)
        length = self.graph.op("Sqrt", self.graph.op("ReduceSum", self.graph.op("Mul", x, x), self.graph.ints(1)))
        return self.graph.op("Div", x, self.graph.op("Max", length, self.graph.constant(1e-12)))

    def _linear(self, x: str, weight: np.ndarray) -> str:
        if self.dialect == "gemm":
            return self.graph.op("Gemm", x, self.graph.constant(weight), transB=1)
        turned = self.graph.constant(weight.T)
        if self.dialect == "folded":
            turned = self.graph.op("Transpose", self.graph.constant(weight), perm=[1, 0])
        return self.graph.op("MatMul", x, turned)

    def _norm(self, x: str, norm: Affine) -> str:
        constant = self.graph.constant
        if self.dialect == "folded":
            return self.graph.op("Add", self.graph.op("Mul", constant(norm.scale), x), constant(norm.shift))
        mean, deviation = np.full(norm.scale.size, 0.25), np.full(norm.scale.size, 4.0 - 1e-5)
        parts = constant(norm.scale * 2), constant(norm.shift + norm.scale * 0.25), constant(mean), constant(deviation)
        return self.graph.op("BatchNormalization", x, *parts, epsilon=1e-5)

    def _transformed(self, x: str, layers: list[Glu]) -> str:
        for place, layer in enumerate(layers):
            h = self._norm(self._linear(x, layer.weight), layer.norm)
            width = len(layer.weight) // 2
            value, gate = self.graph.ops("Split", 2, h, self.graph.ints(width, width), axis=1)
            gated = self.graph.op("Mul", value, self.graph.op("Sigmoid", gate))
            half = self.graph.constant(np.sqrt(0.5))
            x = gated if place == 0 else self.graph.op("Mul", self.graph.op("Add", x, gated), half)
        return x

    def _parts(self, x: str) -> list[str]:
        return self.graph.ops("Split", 2, x, self.graph.ints(self.net.n_d, self.net.n_a), axis=1)

    def _mask(self, z: str) -> str:
        graph = self.graph
        one = graph.constant(1.0, np.float64)
        genes = self.net.initial.scale.size
        wide = graph.cast(z, np.float64)
        wide = graph.op("Sub", wide, graph.op("ReduceMax", wide, graph.ints(1), keepdims=1))
        if self.net.mask == "entmax":
            wide = graph.op("Div", wide, graph.constant(2.0, np.float64))
        ordered, _ = graph.ops("TopK", 2, wide, graph.ints(genes), axis=1)
        ranks = graph.constant(np.arange(1, genes + 1), np.float64)
        if self.net.mask == "entmax":
            mean = self._running(ordered, ranks)
            squares = self._running(graph.op("Mul", ordered, ordered), ranks)
            spread = graph.op("Mul", ranks, graph.op("Sub", squares, graph.op("Mul", mean, mean)))
            left = graph.op("Div", graph.op("Sub", one, spread), ranks)
            taus = graph.op("Sub", mean, graph.op("Sqrt", graph.op("Clip", left, graph.constant(0.0, np.float64))))
            inside = graph.cast(graph.op("LessOrEqual", taus, ordered), np.int64)
        else:
            sums = graph.op("Sub", graph.op("CumSum", ordered, graph.constant(1, np.int64)), one)
            taus = graph.op("Div", sums, ranks)
            inside = graph.cast(graph.op("Greater", graph.op("Mul", ranks, ordered), sums), np.int64)
        last = graph.op("Sub", graph.op("ReduceSum", inside, graph.ints(1), keepdims=1), graph.ints(1))
        above = graph.op("Sub", wide, graph.op("GatherElements", taus, last, axis=1))
        kept = graph.op("Clip", above, graph.constant(0.0, np.float64))
        return graph.cast(graph.op("Mul", kept, kept) if self.net.mask == "entmax" else kept, np.float32)

    def _running(self, values: str, ranks: str) -> str:
        return self.graph.op("Div", self.graph.op("CumSum", values, self.graph.constant(1, np.int64)), ranks)


def renamed(data: bytes, keep: Collection[str] = ()) -> bytes:
    """Give every node and tensor another name, those of inputs and outputs too, and constants nodes of their own.

    Some names can be kept.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    names = {name: name for name in ("", *keep)}

    def other(name: str) -> str:
        return names.setdefault(name, f"x{len(names) * 7919 % 100_003}")

    for part in (graph.input, graph.output, graph.initializer):
        for item in part:
            item.name = other(item.name)
    for node in graph.node:
        node.name = other(node.name) if node.name else ""
        node.input[:] = [other(name) for name in node.input]
        node.output[:] = [other(name) for name in node.output]
    del graph.value_info[:]
    constants = [onnx.helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in graph.initializer]
    nodes = [*constants, *graph.node]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())
