"""The weights of a TabNet, as the SIMS family uses it, with its batch norms folded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

EPSILON = 1e-5
"""Of the batch norms, torch's default."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer and the batch norm behind it: ``(x @ weight) * scale + shift``.

    Parameters
    ----------
    weight
        float64 [inputs, outputs]. The first one is as long as the gene list, and shared by all steps; so the batch
        norm, which is not shared, stays beside it.
    scale, shift
        The batch norm, float64 [outputs].
    """

    weight: Array
    scale: Array
    shift: Array


@dataclass(frozen=True, slots=True)
class TabNetWeights:
    """All that a TabNet computes with.

    Parameters
    ----------
    scale, shift
        The first batch norm, over genes, float64 [genes].
    splitter
        The layers of the feature transformer before the first step; each gives the gate's halves, 2 (n_d + n_a) wide.
    steps
        The layers of each step's feature transformer.
    attention
        Each step's attentive transformer, [n_a, genes].
    final
        The last matrix, float64 [n_d, classes].
    n_shared
        Of the layers of a feature transformer, how many the steps share.
    gamma
        How much a gene may be looked at again: 1 is never.
    temperature
        What logits are divided by.
    """

    scale: Array
    shift: Array
    splitter: list[Layer]
    steps: list[list[Layer]]
    attention: list[Layer]
    final: Array
    n_shared: int
    gamma: float = 1.3
    temperature: float = 1.0

    @property
    def n_genes(self) -> int:
        """Length of the gene list."""
        return len(self.scale)

    @property
    def n_d(self) -> int:
        """Width of the decision, which is the embedding."""
        return len(self.final)

    @property
    def n_classes(self) -> int:
        """Labels."""
        return int(self.final.shape[1])

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, gamma: float = 1.3, temperature: float = 1.0) -> TabNetWeights:
        """Read the tensors of a pytorch-tabnet network by their names.

        Parameters
        ----------
        state
            Arrays by name; names begin where the network does (``encoder.initial_bn.weight``, ``final_mapping.weight``).
        gamma, temperature
            As in the class.

        Raises
        ------
        ValueError
            If a tensor is missing.
        """
        its = _State(state)
        scale, shift = its.norm("encoder.initial_bn")
        steps = its.count("encoder.feat_transformers.{}.shared.glu_layers.0.bn.bn.weight")
        return cls(
            scale=scale,
            shift=shift,
            splitter=its.transformer("encoder.initial_splitter"),
            steps=[its.transformer(f"encoder.feat_transformers.{step}") for step in range(steps)],
            attention=[its.layer(f"encoder.att_transformers.{step}", "fc", "bn.bn") for step in range(steps)],
            final=its.tensor("final_mapping.weight").T,
            n_shared=its.count("encoder.initial_splitter.shared.glu_layers.{}.bn.bn.weight"),
            gamma=gamma,
            temperature=temperature,
        )


class _State:
    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = state

    def tensor(self, name: str) -> Array:
        if name not in self._state:
            raise ValueError(f"The network lacks the tensor {name!r}: it is not a TabNet of the kind that SIMS trains.")
        return np.asarray(self._state[name], dtype=np.float64)

    def count(self, pattern: str) -> int:
        found = 0
        while pattern.format(found) in self._state:
            found += 1
        return found

    def norm(self, name: str) -> tuple[Array, Array]:
        scale = self.tensor(f"{name}.weight") / np.sqrt(self.tensor(f"{name}.running_var") + EPSILON)
        return scale, self.tensor(f"{name}.bias") - self.tensor(f"{name}.running_mean") * scale

    def layer(self, name: str, linear: str, norm: str) -> Layer:
        return Layer(self.tensor(f"{name}.{linear}.weight").T, *self.norm(f"{name}.{norm}"))

    def transformer(self, name: str) -> list[Layer]:
        layers = []
        for part in ("shared", "specifics"):
            prefix = f"{name}.{part}.glu_layers"
            for place in range(self.count(prefix + ".{}.bn.bn.weight")):
                layers.append(self.layer(f"{prefix}.{place}", "fc", "bn.bn"))
        return layers
