"""Reading what torch.save wrote, without torch: a zip of a pickle and of files of numbers."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import NUMPY, Storage
from cellwidget.convert.pickles import read_pickle
from cellwidget.convert.rebuild import storage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PICKLE_BYTES = 512 * 2**20
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files begin that torch wrote before version 1.6."""
AGAIN = "Get the file again."


@contextmanager
def torch_file(path: str | Path) -> Iterator[Any]:
    """Open a file of `torch.save`.

    Parameters
    ----------
    path
        The file: ``.ckpt``, ``.pt``, ``.pth`` or ``.bin``.

    Yields
    ------
    Any
        What was saved, as `read_pickle` gives it. Its `Tensor` can be read as long as the file is open.

    Raises
    ------
    ConvertError
        If it is no such file, of the format before torch 1.6, damaged, or made to harm.
    """
    path = Path(path)
    if not path.is_file():
        raise ConvertError(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Archive(archive, path).root()
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ConvertError(_no_zip(path, error)) from error


def _no_zip(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(len(LEGACY))
    if start == LEGACY:
        return (
            f"{path} is of the format that torch wrote before version 1.6, which is not read here. Write it anew where "
            f"torch is installed: torch.save(torch.load(path, map_location='cpu'), 'new.pt')."
        )
    return f"{path} is no file of torch.save, or is cut off ({error}). {AGAIN}"


class _Archive:
    """The zip, after a look at whether torch could have written it."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        infos = archive.infolist()
        pickles = [info for info in infos if PurePosixPath(info.filename).name == "data.pkl"]
        if len(pickles) != 1:
            raise ConvertError(
                f"{path} is a zip with {len(pickles)} files data.pkl, not what torch.save writes. Give a checkpoint."
            )
        # torch never compresses, so that what is read is never more than what is there
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ConvertError(f"{path} is compressed inside, which torch never does. Do not use it.")
        if sum(info.file_size for info in infos) > path.stat().st_size or pickles[0].file_size > MOST_PICKLE_BYTES:
            raise ConvertError(f"{path} says to hold more than it can. Do not use it.")
        self._pickle = pickles[0].filename
        self._top = self._pickle.removesuffix("data.pkl")
        self._names = {info.filename: info for info in infos}
        self._swapped = self._byte_order() == b"big"

    def root(self) -> Any:
        """Read the pickle."""
        try:
            return read_pickle(self._archive.read(self._pickle), self._storage)
        except ConvertError as error:
            raise ConvertError(f"{self._path} cannot be read. {error}") from error

    def _byte_order(self) -> bytes:
        name = f"{self._top}byteorder"
        return self._archive.read(name).strip() if name in self._names else b"little"

    def _storage(self, persistent: Any) -> tuple[Storage, Any]:
        stored = storage_of(persistent)
        name = f"{self._top}data/{stored.key}"
        itemsize = NUMPY[stored.dtype].itemsize if stored.dtype else 1
        if name not in self._names or self._names[name].file_size != stored.length * itemsize:
            raise ConvertError(f"The numbers of {name!r} are missing, or are not {stored.length:,}. {AGAIN}")
        return stored, self._read

    def _read(self, stored: Storage) -> bytes:
        try:
            data = self._archive.read(f"{self._top}data/{stored.key}")
        except zipfile.BadZipFile as error:
            raise ConvertError(f"{self._path} is damaged ({error}). {AGAIN}") from error
        if self._swapped and stored.dtype:
            return np.frombuffer(data, NUMPY[stored.dtype]).byteswap().tobytes()
        return data
