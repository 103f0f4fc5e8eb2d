"""A checkpoint's weights by name, and which of them were used: what nobody knows of is refused."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import Tensor, mapping
from cellwidget.convert.torchfile import AGAIN, torch_file
from cellwidget.convert.transformer import Dense, Norm

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


class Weights:
    """Arrays by name, and what of them was used.

    Parameters
    ----------
    where
        What holds them, for messages.
    names
        Of all of them.
    read
        Gives one; None for what is no array.
    """

    def __init__(self, where: str, names: Iterable[str], read: Callable[[str], NDArray[Any] | None]) -> None:
        self.where = where
        self.names = frozenset(names)
        self._read = read
        self._taken: set[str] = set()

    @classmethod
    def of_state(cls, where: str, state: Mapping[Any, Any]) -> Self:
        """Take the tensors of a state dict.

        Raises
        ------
        ConvertError
            If one has a name that is no text.
        """
        if not all(isinstance(name, str) for name in state):
            raise ConvertError(f"{where} has weights whose names are no text: it is of another network.")
        return cls(where, state, lambda name: _array(state.get(name)))

    def take(self, name: str, shape: tuple[int | None, ...] | None = None) -> NDArray[np.float32]:
        """Read an array.

        Parameters
        ----------
        name
            Its name.
        shape
            Its shape, as far as it is known: None for a length that is not, or for any shape.

        Raises
        ------
        ConvertError
            If there is none, or it is of another shape, or not of numbers.
        """
        found = self._read(name) if name in self.names else None
        if found is None:
            raise ConvertError(f"{self.where} lacks {name}.")
        self._taken.add(name)
        values = found.astype(np.float32)
        if shape is not None and not _fits(values.shape, shape):
            wanted = " x ".join("any" if length is None else f"{length:,}" for length in shape)
            raise ConvertError(f"{name} of {self.where} is of shape {values.shape}, not {wanted}.")
        if not np.isfinite(values).all():
            raise ConvertError(f"{name} holds NaN or infinity: training failed. Use another checkpoint.")
        return values

    def check_all_taken(self, unused: re.Pattern[str], family: str) -> None:
        """Refuse weights that nothing is known of: results may depend on them.

        Parameters
        ----------
        unused
            Names of those on which none does.
        family
            Of the model, for the message.

        Raises
        ------
        ConvertError
            If there are any; the message names one.
        """
        unknown = sorted(name for name in self.names - self._taken if not unused.fullmatch(name))
        if unknown:
            raise ConvertError(
                f"{self.where} has {len(unknown):,} weights that {family} does not know, {unknown[0][:120]!r} the "
                f"first: it is of another network. It cannot be converted."
            )


def dense_of(weights: Weights, name: str, outputs: int | None, inputs: int) -> Dense:
    """Read a linear layer."""
    weight = weights.take(f"{name}.weight", (outputs, inputs))
    return Dense(weight, weights.take(f"{name}.bias", (len(weight),)))


def norm_of(weights: Weights, name: str, width: int, eps: float) -> Norm:
    """Read a layer normalisation."""
    return Norm(weights.take(f"{name}.weight", (width,)), weights.take(f"{name}.bias", (width,)), eps)


@contextmanager
def read_weights(path: Path) -> Iterator[Weights]:
    """Open a ``.safetensors``, or a file of torch.save that holds a state dict.

    Raises
    ------
    ConvertError
        If it is neither, or damaged.
    """
    if path.suffix == ".safetensors":
        with _safetensors(path) as weights:
            yield weights
        return
    with torch_file(path) as root:
        entries = mapping(root) or {}
        state = mapping(entries.get("state_dict")) or entries
        yield Weights.of_state(path.name, state)


@contextmanager
def _safetensors(path: Path) -> Iterator[Weights]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            yield Weights(path.name, file.keys(), file.get_tensor)
    except SafetensorError as error:
        raise ConvertError(f"{path} cannot be read as safetensors ({error}). {AGAIN}") from error


def _array(value: Any) -> NDArray[Any] | None:
    return value.array() if isinstance(value, Tensor) else None


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        length in (None, there) for there, length in zip(shape, wanted, strict=True)
    )
