"""Training: cells are thinned and genes left out at random, so that shallower data of another lab is no surprise."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pbmc.network import TabNet, normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    decay
        Of the weights, decoupled: strong, since cells are few. It also keeps masks from shrinking to a gene or two.
    broad
        How much masks that look at many genes are preferred; SIMS itself prefers narrow ones, which here fit worse.
    thinnest
        Each cell keeps its molecules with a chance drawn from here to 1.
    left_out
        Share of the genes that a cell loses altogether.
    weighting
        How far rare labels count more: 0 not at all, 1 all labels alike.
    averaged
        Decay of the running mean of the weights, which is what is kept.
    """

    epochs: int = 150
    batch: int = 64
    rate: float = 0.01
    decay: float = 1.0
    n_d: int = 16
    n_a: int = 16
    steps: int = 3
    gamma: float = 1.3
    broad: float = 0.1
    smoothing: float = 0.05
    thinnest: float = 0.3
    left_out: float = 0.3
    weighting: float = 0.25
    averaged: float = 0.98


def fit(counts: NDArray[np.int32], targets: NDArray[np.int64], classes: int, recipe: Recipe, seed: int) -> TabNet:
    """Train a network, reproducibly.

    Parameters
    ----------
    counts
        [cells, genes].
    targets
        Codes of the labels, [cells].
    classes
        Number of labels.
    recipe
        How.
    seed
        Of all that is drawn.
    """
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    x, y = torch.as_tensor(counts, dtype=torch.float32), torch.as_tensor(targets, dtype=torch.int64)
    net = TabNet(x.shape[1], classes, n_d=recipe.n_d, n_a=recipe.n_a, steps=recipe.steps, gamma=recipe.gamma)
    mean = deepcopy(net)
    loss_of = nn.CrossEntropyLoss(weight=_weights(y, classes, recipe.weighting), label_smoothing=recipe.smoothing)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    batches = max(1, len(y) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.rate, total_steps=recipe.epochs * batches, pct_start=0.2
    )
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(y))[: batches * recipe.batch].chunk(batches):
            logits, _, masks = net(normalised(augmented(x[rows], recipe)))
            loss = loss_of(logits, y[rows]) - recipe.broad * _entropy(masks)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            _average(mean, net, recipe.averaged)
    return mean.eval()


def augmented(counts: Tensor, recipe: Recipe) -> Tensor:
    """Thin cells and leave out genes."""
    kept = torch.empty(len(counts), 1).uniform_(recipe.thinnest, 1.0)
    thinned = torch.binomial(counts, kept.expand_as(counts))
    return thinned * (torch.rand_like(counts) >= recipe.left_out)


def _weights(y: Tensor, classes: int, weighting: float) -> Tensor:
    often = torch.bincount(y, minlength=classes).float().clamp_min(1.0)
    weights = often**-weighting
    return weights / (weights[y].mean())


def _entropy(masks: list[Tensor]) -> Tensor:
    return torch.stack([-(mask * torch.log(mask + 1e-15)).sum(dim=1).mean() for mask in masks]).mean()


@torch.no_grad()
def _average(mean: TabNet, net: TabNet, decay: float) -> None:
    now = net.state_dict()
    for name, value in mean.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(now[name], 1 - decay)
        else:
            value.copy_(now[name])
