"""Bundles that come as one zip."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.manifest import MANIFEST
from cellwidget.bundle.verify import inside

MOST_UNPACKED_BYTES = 64 * 2**30


def unpack(path: Path) -> Path:
    """Unpack a zip that holds a bundle, at its top or in one folder, to a temporary folder."""
    target = Path(tempfile.mkdtemp(prefix="cellwidget-"))
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
                raise BundleError(f"{path} unpacks to more than a model can be. Do not use it.")
            manifests = [info.filename for info in infos if PurePosixPath(info.filename).name == MANIFEST]
            if len(manifests) != 1:
                raise BundleError(
                    f"{path} holds {len(manifests)} files {MANIFEST}, a bundle has one. Zip the bundle's folder."
                )
            top = PurePosixPath(manifests[0]).parent
            for info in infos:
                inner = PurePosixPath(inside(info.filename))
                if inner.is_relative_to(top):
                    _unpack_one(archive, info, target / inner.relative_to(top))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise BundleError(f"{path} cannot be unpacked ({error}): it is cut off, or no zip. {AGAIN}") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _unpack_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
