"""From torch's tensors to the weights that the graph writer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.convert.tabnet import Affine, Glu, Step, TabNet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from pbmc import network


def exported(net: network.TabNet, temperature: float) -> TabNet:
    """Fold the batch norms of a trained network."""
    encoder = net.encoder
    steps = [
        Step(
            attention=Glu(_array(look.fc.weight), _affine(look.bn.bn)),
            layers=_layers(transform),
        )
        for look, transform in zip(encoder.att_transformers, encoder.feat_transformers, strict=True)
    ]
    return TabNet(
        n_d=encoder.n_d,
        n_a=encoder.att_transformers[0].fc.in_features,
        gamma=encoder.gamma,
        initial=_affine(encoder.initial_bn),
        splitter=_layers(encoder.initial_splitter),
        steps=steps,
        final=_array(net.final_mapping.weight),
        temperature=temperature,
    )


def _layers(transform: network.FeatureTransformer) -> list[Glu]:
    blocks = (transform.shared, transform.specifics)
    return [Glu(_array(layer.fc.weight), _affine(layer.bn.bn)) for block in blocks for layer in block.glu_layers]


def _affine(norm: nn.BatchNorm1d) -> Affine:
    arrays = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    return Affine.of(*(_array(array) for array in arrays), eps=norm.eps)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().numpy()
