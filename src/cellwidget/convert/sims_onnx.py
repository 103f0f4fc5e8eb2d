"""The weights of a SIMS network out of its ONNX export, read by how numbers flow through it.

Every layer takes what the one before it gives, so that their order is that of the network: gated layers before the
first step, then for each step one layer of attention and its gated layers, then the last. What was read is run beside
the export, so that no other network can be taken for one of SIMS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from cellwidget.convert.dataflow import Flow, attributes, outputs_of
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.tabnet import Affine, Glu, Step, TabNet, tabnet_graph

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PROBES = 4
PROBED = 0.3
"""Share of the genes that a made-up cell has."""
TOLERANCE = 5e-3
"""Of the largest logit: far above what the export's own float32 gives away, far below any other network."""


@dataclass(frozen=True)
class _Layer:
    """A matrix of the export, what follows it, and the name of the tensor that comes out then."""

    weight: NDArray[np.float32]
    norm: Affine
    source: str
    end: str
    gated: bool


def read_onnx(path: Path) -> TabNet:
    """Read the weights.

    Raises
    ------
    ConvertError
        If the file is no network of SIMS.
    """

    def refuse(what: str) -> ConvertError:
        return ConvertError(
            f"{path} is not what sims-web's export makes of a SIMS network: {what}. Convert the checkpoint that it was "
            f"made from."
        )

    try:
        model = onnx.load_model_from_string(path.read_bytes())
        flow = Flow(model)
    except Exception as error:  # protobuf, onnx and its evaluator raise what they like
        raise refuse(f"it cannot be read ({str(error)[:120]})") from error
    try:
        layers = _layers(flow)
        net = _net(flow, layers)
    except _Unlike as unlike:
        raise refuse(str(unlike)) from unlike
    if len(flow.inputs) != 1:
        raise refuse(f"it has {len(flow.inputs)} inputs")
    off = _difference(model, flow.inputs[0], layers[-1].end, net)
    if not off <= TOLERANCE:
        raise refuse(f"what was read gives other labels, by {off:.1g} of the largest logit")
    return net


class _Unlike(Exception):
    """The graph does not flow like a network of SIMS."""


# ── layers ───────────────────────────────────────────────────────────────────────────────────────


def _layers(flow: Flow) -> list[_Layer]:
    layers = []
    for node in flow.nodes:
        linear = flow.linear(node)
        if linear is not None:
            weight, bias = linear
            norm, end = _affine_after(flow, node.output[0], bias)
            layers.append(_Layer(_float32(weight.T), norm, flow.data(node)[0], end, _is_gated(flow, end)))
    return layers


def _affine_after(flow: Flow, name: str, bias: NDArray[Any]) -> tuple[Affine, str]:
    """Gather what scales and shifts the columns of a tensor, up to where something else takes it."""
    norm = Affine(np.ones(len(bias), np.float32), _float32(bias))
    while True:
        users = flow.used_by(name)
        more = _affine(flow, users[0], len(bias)) if len(users) == 1 else None
        if more is None:
            return norm, flow.first(name)
        norm, name = _composed(norm, more), users[0].output[0]


def _affine(flow: Flow, node: onnx.NodeProto, width: int) -> Affine | None:
    """Read an operator that scales and shifts columns; None if it does something else."""
    constant = [flow.constants.get(name) for name in node.input]
    if node.op_type == "BatchNormalization":
        parts = [part for part in constant[1:] if part is not None]
        if len(parts) != 4:
            return None
        # the attribute is of float32: 1e-5 comes back as 9.99999975e-06
        eps = float(f"{attributes(node).get('epsilon', 1e-5):.6g}")
        weight, shift, mean, variance = parts
        return Affine.of(weight, shift, mean, variance, eps)
    if node.op_type not in ("Mul", "Div", "Add", "Sub") or len(flow.data(node)) != 1:
        return None
    first, second = constant
    other = first if second is None else second
    if other is None or other.size not in (1, width) or (first is not None and node.op_type in ("Div", "Sub")):
        return None
    values = np.broadcast_to(other.reshape(-1), width).astype(np.float64)
    one, none = np.ones(width), np.zeros(width)
    return {
        "Mul": lambda: Affine(values, none),
        "Div": lambda: Affine(1 / values, none),
        "Add": lambda: Affine(one, values),
        "Sub": lambda: Affine(one, -values),
    }[node.op_type]()


def _composed(inner: Affine, outer: Affine) -> Affine:
    if (inner.scale == 1).all() and not inner.shift.any():
        return outer
    scale = inner.scale.astype(np.float64) * outer.scale
    return Affine(scale, inner.shift.astype(np.float64) * outer.scale + outer.shift)


def _is_gated(flow: Flow, name: str) -> bool:
    halves = [node for node in flow.used_by(name) if node.op_type in ("Slice", "Split")]
    return any(user.op_type == "Sigmoid" for half in outputs_of(halves) for user in flow.used_by(half))


# ── the network ──────────────────────────────────────────────────────────────────────────────────


def _net(flow: Flow, layers: list[_Layer]) -> TabNet:
    blocks = _blocks(layers)
    if len(blocks) < 3:
        raise _Unlike("it has no decision steps")
    (_, splitter), *steps, (final, after) = blocks
    if final is None or after or not splitter:
        raise _Unlike("its last layer does not give logits")
    x, initial = _initial(flow, splitter[0])
    masks = _masks(flow, x)
    if len(masks) != len(steps):
        raise _Unlike(f"it has {len(steps)} steps that look at genes {len(masks)} times")
    if final.norm.shift.any() or np.ptp(final.norm.scale):
        raise _Unlike("its logits are shifted")
    looks = [look for look, _ in steps if look is not None]
    return TabNet(
        n_d=final.weight.shape[1],
        n_a=looks[0].weight.shape[1],
        gamma=_gamma(flow, masks),
        initial=initial,
        splitter=[_glu(layer) for layer in splitter],
        steps=[
            Step(_glu(look), [_glu(layer) for layer in gated]) for look, (_, gated) in zip(looks, steps, strict=True)
        ],
        final=final.weight,
        temperature=float(f"{1 / float(final.norm.scale[0]):.9g}"),
        mask=_kind(flow, masks[0], looks[0].end),
    )


def _blocks(layers: list[_Layer]) -> list[tuple[_Layer | None, list[_Layer]]]:
    """Part the layers where one is not gated, and begins a step."""
    blocks: list[tuple[_Layer | None, list[_Layer]]] = [(None, [])]
    for layer in layers:
        if layer.gated:
            blocks[-1][1].append(layer)
        else:
            blocks.append((layer, []))
    if any(not gated for _, gated in blocks[:-1]):
        raise _Unlike("two of its layers without gates follow each other; networks that look at groups of genes do so")
    return blocks


def _glu(layer: _Layer) -> Glu:
    return Glu(layer.weight, Affine(_float32(layer.norm.scale), _float32(layer.norm.shift)))


def _initial(flow: Flow, first: _Layer) -> tuple[str, Affine]:
    """Go back from the first layer to where rows get their length of 1."""
    width = first.weight.shape[1]
    norm = Affine(np.ones(width, np.float32), np.zeros(width, np.float32))
    node = flow.made_by(first.source)
    while node is not None and (more := _affine(flow, node, width)) is not None:
        norm = _composed(more, norm) if norm.shift.any() or (norm.scale != 1).any() else more
        node = flow.made_by(flow.data(node)[0])
    if node is None or node.op_type not in ("LpNormalization", "Div"):
        raise _Unlike("it does not scale cells to a length of 1")
    return first.source, Affine(_float32(norm.scale), _float32(norm.shift))


def _masks(flow: Flow, x: str) -> list[str]:
    """Find what the normalised row is multiplied by."""
    found = [flow.data(node) for node in flow.used_by(x) if node.op_type == "Mul"]
    return [next(name for name in pair if name != x) for pair in found if len(pair) == 2]


def _gamma(flow: Flow, masks: list[str]) -> float:
    """Find the number that masks are taken from, so that genes are not looked at again."""
    found = {
        float(f"{flow.constants[node.input[0]].item():.7g}")
        for mask in masks
        for node in flow.used_by(mask)
        if node.op_type == "Sub" and node.input[0] in flow.constants and flow.constants[node.input[0]].size == 1
    }
    if len(found) > 1 or (not found and len(masks) > 1):
        raise _Unlike("it does not say how freely a gene may be looked at again")
    return found.pop() if found else 1.0


def _kind(flow: Flow, mask: str, scores: str) -> str:
    """Tell sparsemax from entmax, which takes roots."""
    between = flow.before(mask) - flow.before(scores) - {scores}
    made = [flow.made_by(name) for name in between]
    return "entmax" if any(node is not None and node.op_type in ("Sqrt", "Pow") for node in made) else "sparsemax"


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)


# ── the proof ────────────────────────────────────────────────────────────────────────────────────


def _difference(model: onnx.ModelProto, source: str, logits: str, net: TabNet) -> float:
    """Run export and graph on made-up cells; by how much their logits differ, as a share of the largest."""
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    del probed.graph.output[:]
    probed.graph.output.append(onnx.helper.make_tensor_value_info(logits, onnx.TensorProto.FLOAT, None))
    rng = np.random.default_rng(0)
    shape = PROBES, net.initial.scale.size
    cells = np.where(rng.random(shape) < PROBED, rng.gamma(1.0, 1.0, shape), 0).astype(np.float32)
    cells[:, 0] += 1
    expected = _run(probed.SerializeToString(), logits, {source: cells})
    places = np.broadcast_to(np.arange(shape[1], dtype=np.int32), shape)
    got = _run(tabnet_graph(net, normalise="none"), "logits", {"genes": np.ascontiguousarray(places), "counts": cells})
    if got.shape != expected.shape:
        return np.inf
    return float(np.abs(got - expected).max() / max(1e-6, np.abs(expected).max()))


def _run(graph: bytes, output: str, feed: dict[str, NDArray[Any]]) -> NDArray[Any]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return np.asarray(session.run([output], feed)[0])
    except Exception as error:  # the classes that onnxruntime raises have no common base but this
        raise ConvertError(f"The export cannot be run by onnxruntime: {str(error)[:200]}.") from error
