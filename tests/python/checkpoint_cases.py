"""SIMS models as people have them: checkpoints of Lightning, made of any weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np

from cellwidget.convert.tabnet import Affine, Glu, TabNet

from .sims_cases import adata_of
from .tabnet_cases import DISTILLED
from .torch_cases import Global, label_encoder, save

ENCODER = "network.tabnet.encoder."


def state_of(net: TabNet, shared: int = 2) -> dict[str, np.ndarray]:
    """A state dict of these weights, with all that scsims puts there."""
    state = {"temperature": np.array([net.temperature], np.float32)}
    state |= _norm("network.tabnet.initial_bn", Affine(np.ones_like(net.initial.scale), net.initial.shift))
    state |= _norm(f"{ENCODER}initial_bn", net.initial)
    state |= _transformer(f"{ENCODER}initial_splitter", net.splitter, shared)
    for number, step in enumerate(net.steps):
        state |= _transformer(f"{ENCODER}feat_transformers.{number}", step.layers, shared)
        look = f"{ENCODER}att_transformers.{number}"
        state |= {f"{look}.fc.weight": step.attention.weight} | _norm(f"{look}.bn.bn", step.attention.norm)
    return state | {"network.tabnet.final_mapping.weight": net.final}


def _transformer(name: str, layers: list[Glu], shared: int) -> dict[str, np.ndarray]:
    state: dict[str, np.ndarray] = {}
    for place, layer in enumerate(layers):
        block, at = ("shared", place) if place < shared else ("specifics", place - shared)
        if block == "shared":
            state[f"{name}.shared.shared_layers.{at}.weight"] = layer.weight
        state[f"{name}.{block}.glu_layers.{at}.fc.weight"] = layer.weight
        state |= _norm(f"{name}.{block}.glu_layers.{at}.bn.bn", layer.norm)
    return state


def _norm(name: str, norm: Affine) -> dict[str, np.ndarray]:
    """A batch normalisation that comes to this, but is not trivial."""
    mean, deviation = np.float32(0.25), np.float32(2.0)
    return {
        f"{name}.weight": (norm.scale * deviation).astype(np.float32),
        f"{name}.bias": (norm.shift + norm.scale * mean).astype(np.float32),
        f"{name}.running_mean": np.full(norm.scale.shape, mean),
        f"{name}.running_var": np.full(norm.scale.shape, deviation**2 - 1e-5, np.float32),
        f"{name}.num_batches_tracked": np.array(7, np.int64),
    }


def checkpoint(path: Path, net: TabNet, *, shared: int = 2, state: Any = None, **settings: Any) -> Path:
    """Write a checkpoint as scsims 4 does; settings that are None are left out."""
    said = {
        "n_d": net.n_d,
        "n_a": net.n_a,
        "n_steps": len(net.steps),
        "gamma": net.gamma,
        "cat_idxs": [],
        "mask_type": net.mask,
        "optim_params": {"optimizer": Global("torch.optim.adam", "Adam"), "lr": 0.01},
        "genes": [f"GENE{number}" for number in range(net.initial.scale.size)],
        "label_encoder": label_encoder([f"class {number}" for number in range(len(net.final))]),
    }
    said = {name: value for name, value in (said | settings).items() if value is not None}
    root = {
        "epoch": 3,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": state_of(net, shared) if state is None else state,
        "callbacks": {"ModelCheckpoint": {"dirpath": "somewhere"}},
        "optimizer_states": [{"state": {}}],
        "hyper_parameters": said,
    }
    return save(path, root)


def distilled_cells() -> tuple[ad.AnnData, dict[str, np.ndarray]]:
    """The cells of the distilled case as an AnnData of raw counts, and its arrays."""
    with np.load(DISTILLED) as file:
        arrays = dict(file)
    return adata_of(DISTILLED), arrays
