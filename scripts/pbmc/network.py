"""TabNet, in torch: looks step after step at a few genes, chosen by sparsemax.

Written after Arik and Pfister, "TabNet: Attentive Interpretable Tabular Learning" (2021). Tensors carry the names that
pytorch-tabnet gives them, so that one converter reads both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOMENTUM = 0.05
RESIDUAL = 0.5**0.5
TINY = 1e-12


class Norm(nn.Module):
    """A batch norm, under the name that it has in pytorch-tabnet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(width, momentum=MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return self.bn(x)


class GatedLinear(nn.Module):
    """Linear layer, batch norm, gate."""

    def __init__(self, fc: nn.Linear) -> None:
        super().__init__()
        self.fc = fc
        self.bn = Norm(fc.out_features)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer, then the gate: half as wide as the layer."""
        value, gate = self.bn(self.fc(x)).chunk(2, dim=1)
        return value * torch.sigmoid(gate)


class Block(nn.Module):
    """Gated layers, each added to what came in; the first only where widths agree."""

    def __init__(self, layers: list[nn.Linear]) -> None:
        super().__init__()
        self.glu_layers = nn.ModuleList(GatedLinear(fc) for fc in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers one after the other."""
        for layer in self.glu_layers:
            y = layer(x)
            x = (x + y) * RESIDUAL if x.shape == y.shape else y
        return x


class FeatureTransformer(nn.Module):
    """Shared layers, then those of the step alone."""

    def __init__(self, shared: list[nn.Linear], width: int) -> None:
        super().__init__()
        self.shared = Block(shared)
        self.specifics = Block([nn.Linear(width, 2 * width, bias=False) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        """Apply the shared block, then its own."""
        return self.specifics(self.shared(x))


class AttentiveTransformer(nn.Module):
    """Which genes to look at next."""

    def __init__(self, width: int, genes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, genes, bias=False)
        self.bn = Norm(genes)

    def forward(self, looking: Tensor, prior: Tensor) -> Tensor:
        """Give a mask over genes, [cells, genes]; rows sum to 1."""
        return sparsemax(self.bn(self.fc(looking)) * prior)


class Encoder(nn.Module):
    """From a cell's values to its embedding and the masks of its steps."""

    def __init__(self, genes: int, *, n_d: int, n_a: int, steps: int, gamma: float) -> None:
        super().__init__()
        width = n_d + n_a
        shared = [nn.Linear(genes, 2 * width, bias=False), nn.Linear(width, 2 * width, bias=False)]
        self.n_d, self.gamma = n_d, gamma
        self.initial_bn = nn.BatchNorm1d(genes, momentum=MOMENTUM)
        self.initial_splitter = FeatureTransformer(shared, width)
        self.feat_transformers = nn.ModuleList(FeatureTransformer(shared, width) for _ in range(steps))
        self.att_transformers = nn.ModuleList(AttentiveTransformer(n_a, genes) for _ in range(steps))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the embedding [cells, n_d] and the mask [cells, genes] of each step."""
        x = self.initial_bn(x)
        looking = self.initial_splitter(x)[:, self.n_d :]
        prior, embedding, masks = torch.ones_like(x), torch.zeros(()), []
        for look, transform in zip(self.att_transformers, self.feat_transformers, strict=True):
            mask = look(looking, prior)
            prior = prior * (self.gamma - mask)
            out = transform(mask * x)
            embedding = embedding + torch.relu(out[:, : self.n_d])
            looking = out[:, self.n_d :]
            masks.append(mask)
        return embedding, masks


class TabNet(nn.Module):
    """The whole network; takes log-normalised rows, and scales them to length 1 itself."""

    def __init__(
        self, genes: int, classes: int, *, n_d: int = 16, n_a: int = 16, steps: int = 3, gamma: float = 1.3
    ) -> None:
        super().__init__()
        self.encoder = Encoder(genes, n_d=n_d, n_a=n_a, steps=steps, gamma=gamma)
        self.final_mapping = nn.Linear(n_d, classes, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Give logits [cells, classes], embedding [cells, n_d] and the masks [cells, genes] of the steps."""
        x = x / x.norm(dim=1, keepdim=True).clamp_min(TINY)
        embedding, masks = self.encoder(x)
        return self.final_mapping(embedding), embedding, masks


def sparsemax(z: Tensor) -> Tensor:
    """Project rows onto the simplex."""
    z = z - z.amax(dim=1, keepdim=True)
    ordered, _ = torch.sort(z, dim=1, descending=True)
    excess = ordered.cumsum(dim=1) - 1
    rank = torch.arange(1, z.shape[1] + 1, dtype=z.dtype)
    size = (rank * ordered > excess).sum(dim=1, keepdim=True)
    return torch.relu(z - excess.gather(1, size - 1) / size)


def normalised(counts: Tensor) -> Tensor:
    """log1p of counts per 10,000 of the model's own genes."""
    return torch.log1p(counts * (1e4 / counts.sum(dim=1, keepdim=True).clamp_min(1.0)))
