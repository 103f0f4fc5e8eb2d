"""The obs columns of an AnnData as pages read them: described at once, encoded when asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from cellwidget.messages import ColumnSpec, DType

MAX_CATEGORIES = 1_000
"""With more distinct values a column is text: nobody reads such a legend, and its dictionary would be the data."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Columns:
    """Columns of n_obs rows that do not stream: obs_names (``cell``) and obs (``obs:NAME``).

    A column is encoded once, when somebody first asks for it.

    Parameters
    ----------
    obs
        The dataset's obs, held as it was at the start.
    names
        obs_names.
    uns
        Where ``{column}_colors`` may be.
    """

    def __init__(self, obs: pd.DataFrame, names: pd.Index[str], uns: Mapping[str, Any]) -> None:
        self._names = names
        self._obs = {f"obs:{name}": obs.iloc[:, place] for place, name in enumerate(map(str, obs.columns))}
        self._specs = {"cell": _spec("cell", "cell", "text", "name", "u1")}
        for key, series in self._obs.items():
            self._specs[key] = _describe(key, series, uns)
        self._encoded: dict[str, _Encoded] = {}

    @property
    def specs(self) -> list[ColumnSpec]:
        """The columns, in the order of obs."""
        return list(self._specs.values())

    def __contains__(self, column: str) -> bool:
        return column in self._specs

    def piece(self, column: str, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        """Encode rows ``start`` to ``stop``: values, or for text u4 offsets from 0 and UTF-8 bytes."""
        return self._encode(column).piece(start, stop)

    def text(self, column: str, row: int) -> str:
        """Say one value in words."""
        value: Any = self._names[row] if column == "cell" else self._obs[column].iloc[row]
        if isinstance(value, float | np.floating):
            number = float(value)
            return "" if np.isnan(number) else f"{number:,.4g}" if abs(number) < 1000 else f"{number:,.0f}"
        if isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_):
            return f"{value:,}"
        return "" if value is None else str(value)

    def _encode(self, column: str) -> _Encoded:
        if column not in self._encoded:
            spec = self._specs[column]
            values = self._names.to_series() if column == "cell" else self._obs[column]
            self._encoded[column] = _Text(values) if spec["kind"] == "text" else _Numbers(values, spec)
        return self._encoded[column]


class _Numbers:
    """Numbers or codes, as one array."""

    def __init__(self, series: pd.Series[Any], spec: ColumnSpec) -> None:
        self._dtype = spec["dtype"]
        if spec["kind"] == "category":
            codes = _as_category(series).cat.codes.to_numpy().astype(np.int64)
            missing = np.iinfo(self._dtype).max
            self._values: NDArray[Any] = np.where(codes < 0, missing, codes).astype(self._dtype)
        else:
            self._values = _floats(series).astype(self._dtype)

    def piece(self, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        return self._dtype, [self._values[start:stop].tobytes()]


class _Text:
    """UTF-8 with offsets; missing is empty."""

    def __init__(self, series: pd.Series[Any]) -> None:
        missing = series.isna().to_numpy()
        encoded = [b"" if gone else str(value).encode() for value, gone in zip(series, missing, strict=True)]
        self._offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in encoded], out=self._offsets[1:])
        self._bytes = b"".join(encoded)

    def piece(self, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        first, last = self._offsets[start], self._offsets[stop]
        offsets = (self._offsets[start : stop + 1] - first).astype(np.uint32)
        return "u4", [offsets.tobytes(), self._bytes[first:last]]


_Encoded = _Numbers | _Text


def _spec(key: str, name: str, kind: Any, group: Any, dtype: DType) -> ColumnSpec:
    return {"id": key, "name": name, "kind": kind, "group": group, "dtype": dtype}


def _describe(key: str, series: pd.Series[Any], uns: Mapping[str, Any]) -> ColumnSpec:
    import pandas as pd

    name = key.removeprefix("obs:")
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        values = _floats(series)
        finite = values[np.isfinite(values)]
        exact = np.array_equal(finite.astype(np.float32), finite)
        whole = pd.api.types.is_integer_dtype(series.dtype) or bool(finite.size and (finite == np.rint(finite)).all())
        spec = _spec(key, name, "number", "obs", "f4" if exact else "f8")
        spec["integer"] = whole
        return spec
    categories = _as_category(series).cat.categories
    if len(categories) > MAX_CATEGORIES:
        return _spec(key, name, "text", "obs", "u1")
    spec = _spec(key, name, "category", "obs", code_dtype(len(categories)))
    spec["categories"] = [str(category) for category in categories]
    colors = hex_colors(uns.get(f"{name}_colors"), len(categories))
    if colors:
        spec["colors"] = colors
    return spec


def _floats(series: pd.Series[Any]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _as_category(series: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return series
    return series.astype("string").astype("category")


def code_dtype(categories: int) -> DType:
    """Narrowest code type that leaves its highest value for missing."""
    return "u1" if categories < 2**8 - 1 else "u2" if categories < 2**16 - 1 else "u4"


def hex_colors(colors: object, count: int) -> list[str] | None:
    """Read ``uns["*_colors"]``: one ``#rrggbb`` per category, or None when it is not that.

    Named colours are understood where matplotlib is installed, as scanpy writes them only then.
    """
    if colors is None or isinstance(colors, str | bytes):
        return None
    try:
        given = [str(color) for color in colors]  # type: ignore[attr-defined]
    except TypeError:
        return None
    if len(given) != count:
        return None
    result = [_hex(color) for color in given]
    return None if None in result else [color for color in result if color is not None]


def _hex(color: str) -> str | None:
    if _HEX.fullmatch(color[:7]) and len(color) in (7, 9):
        return color[:7].lower()
    try:
        from matplotlib.colors import to_hex

        return str(to_hex(color))
    except (ImportError, ValueError):
        return None
