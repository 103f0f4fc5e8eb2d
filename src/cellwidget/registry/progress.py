"""A bar over all files of a download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self


class Progress:
    """Bytes so far of all files; the bar appears with the first byte that is expected.

    Parameters
    ----------
    title
        What is downloaded.
    quiet
        Whether to show nothing.
    """

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title = title
        self._quiet = quiet
        self._bar: Any = None
        self._expected: dict[str, int] = {}
        self._there: dict[str, int] = {}

    def expect(self, name: str, size: int | None) -> None:
        """Hear how large a file is; None if nobody knows."""
        self._expected[name] = size or 0
        if self._bar is not None:
            self._bar.total = sum(self._expected.values())

    def at(self, name: str, there: int) -> None:
        """Hear how much of a file is there; less than before if it begins again."""
        if self._bar is None:
            self._bar = self._begin()
        self._bar.update(there - self._there.get(name, 0))
        self._there[name] = there

    def _begin(self) -> Any:
        from tqdm.auto import tqdm

        total = sum(self._expected.values())
        return tqdm(desc=self._title, total=total, unit="B", unit_scale=True, disable=self._quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
