"""From the address of a model on the web to its files on this machine."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from cellwidget.bundle import MANIFEST, BundleError, files_of, read_manifest
from cellwidget.bundle.manifest import MOST_MANIFEST_BYTES
from cellwidget.bundle.simsweb import BESIDE, NEEDED
from cellwidget.registry.address import HubAddress, WebAddress
from cellwidget.registry.download import MOST_BYTES, Wanted, cannot_write
from cellwidget.registry.errors import AbsentError, DeniedError, DownloadError, UnreachableError
from cellwidget.registry.gather import Gathering
from cellwidget.registry.hub import commit_of, hub_site
from cellwidget.registry.progress import Progress
from cellwidget.registry.shelf import Shelf, cache_folder
from cellwidget.registry.web import Site, is_offline, never_loaded, shown

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("cellwidget")

ZIP = "bundle.zip"
MOST_FILES = 1_000


def fetch(address: str, *, progress: bool) -> Path:
    """Find a model of the web in the cache, or download it.

    Parameters
    ----------
    address
        ``hf://owner/name[@revision][/folder]``, or the http(s) address of a bundle's folder or zip, or of a sims-web
        model.
    progress
        Whether to show a bar while it downloads.

    Returns
    -------
    Path
        The bundle's folder or zip, or a sims-web model's folder and name.

    Raises
    ------
    DownloadError
        If it is not there, may not be read, is not what it promises to be, or cannot be reached and was never loaded.
    """
    try:
        if not address.lower().startswith("hf://"):
            web = WebAddress.parse(address)
            return _fetch(web, Site(), Progress(web.title, quiet=not progress), fixed=False)
        hub = HubAddress.parse(address)
        site = hub_site(hub)
        bar = Progress(f"{hub.repository}/{hub.subfolder}".rstrip("/"), quiet=not progress)
        return _fetch(hub.at(commit_of(hub, site)), site, bar, fixed=True)
    except OSError as error:
        raise cannot_write(cache_folder(), error) from error


def _fetch(address: WebAddress, site: Site, progress: Progress, *, fixed: bool) -> Path:
    shelf = Shelf(address.beside(""))
    if (fixed or is_offline()) and (whole := shelf.whole()) is not None:
        return whole
    if is_offline():
        raise never_loaded(shown(address.base))
    try:
        with shelf.locked(), progress:
            if fixed and (whole := shelf.whole()) is not None:  # while this process waited
                return whole
            return _gather(address, Gathering(shelf, site, progress))
    except UnreachableError as error:
        whole = shelf.whole()
        if whole is None:
            raise
        log.warning("%s: going on with the copy of an earlier load.", error.what)
        return whole


def _gather(address: WebAddress, gathering: Gathering) -> Path:
    if address.is_zip:
        gathering.take(Wanted(ZIP, address.beside("")))
        return gathering.finish(ZIP)
    try:
        manifest = gathering.take(Wanted(MANIFEST, address.file(MANIFEST), most=MOST_MANIFEST_BYTES))
    except (AbsentError, DeniedError) as error:  # a store that lists nothing denies what is not there
        return _gather_sims_web(address, gathering, error)
    gathering.take_all(_named(manifest, address))
    return gathering.finish()


def _named(manifest: Path, address: WebAddress) -> list[Wanted]:
    """List the files that a manifest names."""
    try:
        files = files_of(read_manifest(manifest)[1].get("files"), manifest)
    except BundleError as error:
        raise DownloadError(f"What is at {shown(address.base)} is no bundle: {error}") from error
    if len(files) > MOST_FILES or sum(size for size, _ in files.values()) > MOST_BYTES:
        raise DownloadError(f"{shown(address.base)} is larger than a model can be. Do not use it.")
    return [Wanted(name, address.file(name), size, sha256) for name, (size, sha256) in files.items()]


def _gather_sims_web(address: WebAddress, gathering: Gathering, no_manifest: DownloadError) -> Path:
    name = address.name

    def take(ending: str) -> None:
        gathering.take(Wanted(f"{name}{ending}", address.beside(ending)))

    first, *others = sorted(NEEDED)  # the graph, which is large, is the last
    try:
        take(first)
    except (AbsentError, DeniedError) as error:
        if isinstance(no_manifest, DeniedError):
            raise no_manifest from error
        raise AbsentError(
            f"There is no model at {shown(address.base)}: neither {MANIFEST} in that folder (a bundle) nor "
            f"{name}{first} beside it (sims-web). Give the folder's address, or that of a zip."
        ) from error
    for ending in others:
        take(ending)
    for ending in BESIDE:
        with suppress(AbsentError, DeniedError):
            take(ending)
    return gathering.finish(name)
