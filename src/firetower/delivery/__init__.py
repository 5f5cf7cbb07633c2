"""Delivery: one HTTP request to an endpoint, and its answer."""

import logging
import os
from pathlib import Path


def _drop_key_log() -> None:
    """Ignore a SSLKEYLOGFILE that cannot be written: importing aiohttp would raise OSError."""
    path = os.environ.get("SSLKEYLOGFILE")
    if not path:
        return
    try:
        with Path(path).open("ab"):
            pass
    except OSError as error:
        del os.environ["SSLKEYLOGFILE"]
        logging.getLogger(__name__).warning(
            "SSLKEYLOGFILE cannot be written and is ignored: %s", error.strerror
        )


_drop_key_log()
