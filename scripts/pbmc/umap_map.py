"""The model's map: umap-learn lays training cells out, a small network learns where it puts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cellwidget.convert.map_net import unscaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WIDTH = 96
EPOCHS = 400
NEIGHBORS = 60
MIN_DIST = 0.5
"""Wider than a cell and its thinned copies, so that labels become islands, and cells do not."""


def lay_out(embedding: Floats, seed: int) -> Floats:
    """Place cells with umap-learn, float32 [cells, 2], centred."""
    from umap import UMAP

    xy = UMAP(n_neighbors=NEIGHBORS, min_dist=MIN_DIST, random_state=seed, n_jobs=1).fit_transform(embedding)
    return np.asarray(xy - xy.mean(axis=0), dtype=np.float32)


def learn_places(embedding: Floats, xy: Floats, seed: int) -> list[tuple[Floats, Floats]]:
    """Train dense layers from embedding to place.

    Returns
    -------
    list
        Weight [inputs, outputs] and bias per layer; ReLU goes between them. The first takes the embedding as it is.
    """
    torch.manual_seed(seed)
    mean, spread = embedding.mean(axis=0), embedding.std(axis=0) + 1e-3
    x = torch.as_tensor((embedding - mean) / spread)
    y = torch.as_tensor(xy)
    net = nn.Sequential(
        nn.Linear(x.shape[1], WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2)
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    batches = max(1, len(x) // 256)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).chunk(batches):
            loss = nn.functional.smooth_l1_loss(net(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    layers = [
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
        for layer in net
        if isinstance(layer, nn.Linear)
    ]
    return unscaled(layers, mean, spread)
