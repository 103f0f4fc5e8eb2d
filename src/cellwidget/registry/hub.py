"""Hugging Face: which commit a revision is, asked at each load and remembered for when nobody answers."""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING

from cellwidget.registry.errors import DownloadError, UnreachableError
from cellwidget.registry.shelf import Shelf
from cellwidget.registry.web import Site, is_offline, never_loaded, origin_of

if TYPE_CHECKING:
    from cellwidget.registry.address import HubAddress

log = logging.getLogger("cellwidget")


def hub_site(address: HubAddress) -> Site:
    """Say how a hub is asked: with HF_TOKEN, if there is one.

    Raises
    ------
    DownloadError
        If the token cannot be one.
    """
    token = os.environ.get("HF_TOKEN", "").strip() or None
    if token is not None and not (token.isascii() and token.isprintable()):
        raise DownloadError("HF_TOKEN holds characters that no token has. Set it anew.")
    denied = (
        f"{address.repository} is not there, is private, or asks to accept its conditions first: look at "
        f"{address.endpoint}/{address.repository}, and set HF_TOKEN to a token that may read it."
    )
    return Site(origin_of(address.endpoint), token, denied)


def commit_of(address: HubAddress, site: Site) -> str:
    """Find the commit of a revision.

    Raises
    ------
    DownloadError
        If there is none, or nobody answers and none is remembered.
    """
    if address.is_fixed:
        return address.revision
    memory = Shelf(f"{address.endpoint}/{address.repository}")
    remembered = memory.recall(address.revision)
    if is_offline():
        if remembered is None:
            raise never_loaded(f"{address.repository} at {address.revision}")
        return remembered
    try:
        commit = _asked(address, site)
    except UnreachableError as error:
        if remembered is None:
            raise
        log.warning("%s: going on with commit %s of an earlier load.", error.what, remembered[:10])
        return remembered
    memory.remember(address.revision, commit)
    return commit


def _asked(address: HubAddress, site: Site) -> str:
    try:
        commit = json.loads(site.text(address.question))["sha"]
    except (ValueError, TypeError, KeyError) as error:
        raise DownloadError(f"{address.question} did not name a commit. Look whether HF_ENDPOINT is a hub.") from error
    if not isinstance(commit, str) or not re.fullmatch("[0-9a-f]{40}", commit):
        raise DownloadError(f"{address.question} did not name a commit. Look whether HF_ENDPOINT is a hub.")
    return commit
