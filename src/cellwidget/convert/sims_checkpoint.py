"""SIMS checkpoints: what Lightning saved of scsims 3 and 4 (Gonzalez-Ferrer et al. 2024), over pytorch-tabnet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import Inert, mapping, told
from cellwidget.convert.sims_source import Sims
from cellwidget.convert.tabnet import MASKS, Affine, Glu, Step, TabNet
from cellwidget.convert.torchfile import torch_file
from cellwidget.convert.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TABNET = "network.tabnet."
ENCODER = f"{TABNET}encoder."
UNUSED = re.compile(
    r"network\.tabnet\.initial_bn\..*|.*\.num_batches_tracked|.*\.shared\.shared_layers\.\d+\.weight|"
    r"network\.embedder\.embedding_group_matrix"
)
"""What a state dict holds that no label depends on: counters, a layer without use, weights that stand there twice."""
RETRAIN = "Save the model again with scsims 3 or newer"


def read_checkpoint(path: Path, genes: Sequence[str] | None = None, classes: Sequence[str] | None = None) -> Sims:
    """Read a checkpoint; nothing of it is run.

    Parameters
    ----------
    path
        The file.
    genes, classes
        Names in place of those in the file.

    Raises
    ------
    ConvertError
        If it is no checkpoint of SIMS, or lacks a part; the message names it.
    """
    with torch_file(path) as root:
        entries = mapping(root) or {}
        state, settings = mapping(entries.get("state_dict")), mapping(entries.get("hyper_parameters"))
        if state is None or settings is None:
            missing = "state_dict" if state is None else "hyper_parameters"
            raise ConvertError(
                f"{path} has no {missing}: it is no checkpoint of SIMS. Give the .ckpt that Lightning saved."
            )
        _check_settings(settings)
        net = _net(_Weights.of_state("The state dict", state), settings)
        version = entries.get("pytorch-lightning_version", "")
    return Sims(
        net=net,
        genes=list(genes) if genes is not None else _genes(settings),
        classes=list(classes) if classes is not None else _classes(settings),
        name=path.stem,
        title=path.stem,
        source={"checkpoint": path.name, "lightning": told(version)},
    )


def _genes(settings: Mapping[Any, Any]) -> list[str]:
    found = settings.get("genes")
    if isinstance(found, np.ndarray):
        found = found.tolist()
    if not isinstance(found, list | tuple) or not found:
        raise ConvertError(f"The checkpoint names no genes. {RETRAIN}, or give them in their order: genes=[...].")
    return _names(found, "gene")


def _classes(settings: Mapping[Any, Any]) -> list[str]:
    encoder = settings.get("label_encoder")
    found = encoder.attribute("classes_") if isinstance(encoder, Inert) else None
    if not isinstance(found, np.ndarray) or found.ndim != 1:
        raise ConvertError(
            f"The checkpoint has no label encoder that names its classes. {RETRAIN}, or give them in the order of the "
            f"logits: classes=[...]."
        )
    return _names(found, "class")


def _names(found: Sequence[Any] | NDArray[Any], kind: str) -> list[str]:
    for name in found:
        if not isinstance(name, str | int | float | np.generic):
            raise ConvertError(f"The checkpoint names a {kind} by {told(name)}, which is no text. {RETRAIN}.")
    return [str(name) for name in found]


def _check_settings(settings: Mapping[Any, Any]) -> None:
    """Refuse networks of kinds that the graph cannot be."""
    if _length(settings.get("cat_idxs")):
        raise ConvertError("The network embeds categories (cat_idxs), which SIMS does not use. It cannot be converted.")
    groups = settings.get("grouped_features")
    for group in groups if isinstance(groups, list | tuple) else ():
        if _length(group) > 1:
            raise ConvertError(
                "The network looks at groups of genes (grouped_features), not at each of them. It cannot be converted."
            )
    mask = settings.get("mask_type", "sparsemax")
    if not isinstance(mask, str) or mask not in MASKS:
        raise ConvertError(f"The network's mask_type {told(mask)!r} is not known, only {', '.join(MASKS)} are.")
    gamma = settings.get("gamma")
    if not isinstance(gamma, int | float) or not 1 <= gamma < np.inf:
        raise ConvertError(f"The checkpoint says gamma {told(gamma)}, which must be a number of at least 1.")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else 0


def _net(weights: _Weights, settings: Mapping[Any, Any]) -> TabNet:
    final = weights.take(f"{TABNET}final_mapping.weight", (None, None))
    steps: list[Step] = []
    while f"{ENCODER}att_transformers.{len(steps)}.fc.weight" in weights.names:
        steps.append(_step(weights, len(steps)))
    said = settings.get("n_steps", len(steps))
    if not steps or not isinstance(said, int | np.integer) or said != len(steps):
        raise ConvertError(f"The checkpoint says n_steps {told(said)}, but has the weights of {len(steps)}.")
    net = TabNet(
        n_d=final.shape[-1],
        n_a=steps[0].attention.weight.shape[-1],
        gamma=float(settings["gamma"]),
        initial=weights.norm(f"{ENCODER}initial_bn"),
        splitter=_layers(weights, f"{ENCODER}initial_splitter"),
        steps=steps,
        final=final,
        temperature=_temperature(weights),
        mask=settings.get("mask_type", "sparsemax"),
    )
    weights.check_all_taken(UNUSED, "SIMS")
    return net


def _temperature(weights: _Weights) -> float:
    if "temperature" not in weights.names:
        return 1.0
    values = weights.take("temperature")
    if values.size != 1:
        raise ConvertError(f"temperature is {values.shape}, it must be one number.")
    return float(values.ravel()[0])


def _step(weights: _Weights, number: int) -> Step:
    look = f"{ENCODER}att_transformers.{number}"
    attention = Glu(weights.take(f"{look}.fc.weight", (None, None)), weights.norm(f"{look}.bn.bn"))
    return Step(attention, _layers(weights, f"{ENCODER}feat_transformers.{number}"))


def _layers(weights: _Weights, name: str) -> list[Glu]:
    """Read the gated layers of a transformer: those that all of them share, then its own."""
    layers = []
    for block in ("shared", "specifics"):
        number = 0
        while f"{name}.{block}.glu_layers.{number}.fc.weight" in weights.names:
            layer = f"{name}.{block}.glu_layers.{number}"
            layers.append(Glu(weights.take(f"{layer}.fc.weight", (None, None)), weights.norm(f"{layer}.bn.bn")))
            number += 1
    if not layers:
        raise ConvertError(f"The state dict lacks {name}.shared.glu_layers.0.fc.weight.")
    return layers


class _Weights(Weights):
    """A state dict, and what of it was used."""

    def norm(self, name: str) -> Affine:
        """Read a batch normalisation."""
        weight, bias, mean, variance = (
            self.take(f"{name}.{part}", (None,)) for part in ("weight", "bias", "running_mean", "running_var")
        )
        if not weight.shape == bias.shape == mean.shape == variance.shape or (variance < 0).any():
            raise ConvertError(f"The four parts of {name} do not fit each other.")
        return Affine.of(weight, bias, mean, variance)
