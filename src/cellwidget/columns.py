"""The obs columns of an AnnData as pages read them: described at once, encoded when asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from cellwidget.messages import ColumnSpec, DType

MAX_CATEGORIES = 1_000
"""With more distinct values a column is text: nobody reads such a legend, and its dictionary would be the data."""
LOOKED_AT = 10_000
"""Rows all over a column of text that tell whether it has so many: strings by the million are slow to sort."""
EXACT_INTEGER = 2**53
"""Larger ones, as identifiers are, would run together in a float64."""
LONG_NUMBER = 1e15

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Columns:
    """Columns of n_obs rows that do not stream: obs_names (``cell``) and obs (``obs:NAME``).

    Categories are encoded at once, so that codes are those of the dictionary also where obs is changed later; other
    columns are encoded once, when somebody first asks for them.

    Parameters
    ----------
    obs
        The dataset's obs; columns that it gets or loses later are not seen.
    names
        obs_names.
    uns
        Where ``{column}_colors`` may be.
    """

    def __init__(self, obs: pd.DataFrame, names: pd.Index[str], uns: Mapping[str, Any]) -> None:
        self._names = names
        self._obs = {f"obs:{name}": obs.iloc[:, place] for place, name in enumerate(map(_words, obs.columns))}
        self._specs = {"cell": _spec("cell", "cell", "text", "name", "u1")}
        self._encoded: dict[str, _Encoded] = {}
        for key, series in self._obs.items():
            if _is_number(series):
                self._specs[key] = _describe_number(key, series)
            elif (category := _as_category(series)) is None:
                self._specs[key] = _spec(key, key.removeprefix("obs:"), "text", "obs", "u1")
            else:
                self._specs[key] = spec = _describe_category(key, category, uns)
                self._encoded[key] = _Codes(category, spec["dtype"])

    @property
    def specs(self) -> list[ColumnSpec]:
        """The columns, in the order of obs."""
        return list(self._specs.values())

    def __contains__(self, column: str) -> bool:
        return column in self._specs

    def piece(self, column: str, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        """Encode rows ``start`` to ``stop``: values, or for text u4 offsets from 0 and UTF-8 bytes."""
        return self._encode(column).piece(start, stop)

    def codes(self, column: str) -> NDArray[np.int64]:
        """Codes of a column of categories as int64 [n_obs], -1 for missing."""
        codes = np.frombuffer(self.piece(column, 0, len(self._names))[1][0], dtype=self._specs[column]["dtype"])
        numbers = codes.astype(np.int64)
        numbers[codes == np.iinfo(codes.dtype).max] = -1
        return numbers

    def text(self, column: str, row: int) -> str:
        """Say one value in words."""
        value: Any = self._names[row] if column == "cell" else self._obs[column].iloc[row]
        if _is_missing(value):
            return ""
        if isinstance(value, float | np.floating):
            number = float(value)
            return f"{number:,.0f}" if 1000 <= abs(number) < LONG_NUMBER else f"{number:,.4g}"
        if column != "cell" and isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_):
            return f"{value:,}"
        return _words(value)

    def _encode(self, column: str) -> _Encoded:
        if column not in self._encoded:
            spec = self._specs[column]
            values = self._names.to_series() if column == "cell" else self._obs[column]
            self._encoded[column] = Text(values) if spec["kind"] == "text" else _Numbers(values, spec["dtype"])
        return self._encoded[column]


class _Numbers:
    """Numbers, as one array."""

    def __init__(self, series: pd.Series[Any], dtype: DType) -> None:
        self._dtype = dtype
        self._values: NDArray[Any] = _floats(series).astype(dtype)

    def piece(self, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        return self._dtype, [self._values[start:stop].tobytes()]


class _Codes(_Numbers):
    """Codes of categories, as one array; the highest value of the type for missing."""

    def __init__(self, category: pd.Series[Any], dtype: DType) -> None:
        self._dtype = dtype
        codes = category.cat.codes.to_numpy()
        self._values = codes.astype(dtype)
        self._values[codes < 0] = np.iinfo(dtype).max


class Text:
    """UTF-8 with offsets; missing is empty."""

    def __init__(self, series: pd.Series[Any]) -> None:
        missing = series.isna().to_numpy()
        encoded = [b"" if gone else _utf8(value) for value, gone in zip(_texts(series), missing, strict=True)]
        self._offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in encoded], out=self._offsets[1:])
        self._bytes = b"".join(encoded)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def piece(self, start: int, stop: int) -> tuple[DType, list[bytes | memoryview]]:
        """Encode rows ``start`` to ``stop``: u4 offsets from 0 and bytes."""
        first, last = self._offsets[start], self._offsets[stop]
        offsets = (self._offsets[start : stop + 1] - first).astype(np.uint32)
        return "u4", [offsets.tobytes(), self._bytes[first:last]]


_Encoded = _Numbers | _Codes | Text


def texts(values: Sequence[str]) -> Text:
    """Encode some words."""
    import pandas as pd

    return Text(pd.Series(list(values), dtype=object))


def _spec(key: str, name: str, kind: Any, group: Any, dtype: DType) -> ColumnSpec:
    return {"id": key, "name": name, "kind": kind, "group": group, "dtype": dtype}


def _is_number(series: pd.Series[Any]) -> bool:
    import pandas as pd

    types = pd.api.types
    if not types.is_numeric_dtype(series.dtype) or types.is_bool_dtype(series.dtype) or series.dtype.kind == "c":
        return False
    if not types.is_integer_dtype(series.dtype):
        return True
    low, high = series.min(), series.max()
    return bool(series.isna().all() or (low >= -EXACT_INTEGER and high <= EXACT_INTEGER))


def _describe_number(key: str, series: pd.Series[Any]) -> ColumnSpec:
    import pandas as pd

    values = _floats(series)
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore"):  # what becomes infinite is not exact
        exact = np.array_equal(finite.astype(np.float32), finite)
    whole = pd.api.types.is_integer_dtype(series.dtype) or bool(finite.size and (finite == np.rint(finite)).all())
    spec = _spec(key, key.removeprefix("obs:"), "number", "obs", "f4" if exact else "f8")
    spec["integer"] = whole
    return spec


def _describe_category(key: str, category: pd.Series[Any], uns: Mapping[str, Any]) -> ColumnSpec:
    categories, name = category.cat.categories, key.removeprefix("obs:")
    spec = _spec(key, name, "category", "obs", code_dtype(len(categories)))
    spec["categories"] = [_words(category) for category in categories]
    colors = hex_colors(uns.get(f"{name}_colors"), len(categories))
    if colors:
        spec["colors"] = colors
    return spec


def _floats(series: pd.Series[Any]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _as_category(series: pd.Series[Any]) -> pd.Series[Any] | None:
    """Give a column as categories; None where they are too many."""
    import pandas as pd

    if not isinstance(series.dtype, pd.CategoricalDtype):
        if _texts(series.iloc[:: len(series) // LOOKED_AT + 1]).nunique() > MAX_CATEGORIES:
            return None
        series = _texts(series).astype("category")
    return series if len(series.cat.categories) <= MAX_CATEGORIES else None


def _texts(series: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return series.astype("string")
    except (UnicodeError, TypeError, ValueError):  # bytes, or whatever objects make of themselves
        return series.map(_words, na_action="ignore").astype("string")


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _utf8(value: object) -> bytes:
    """Write a value as UTF-8: half a surrogate pair, which no page could read, becomes a question mark."""
    return str(value).encode("utf-8", "replace")


def _words(value: object) -> str:
    return _utf8(value).decode()


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
