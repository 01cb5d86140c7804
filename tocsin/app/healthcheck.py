"""Asks a component over HTTP whether it is well."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import NamedTuple

from tocsin.values import parse_address

_TIMEOUT_S = 3.0
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not to listen, to ask


class Answer(NamedTuple):
    """What the component said, in one line."""

    is_well: bool
    text: str


def ask(address: str, path: str) -> Answer:
    """GET `path` at "HOST:PORT"; blocks at most some seconds."""
    host, port = parse_address(address)
    host = _ANY_HOST.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as response:
            return Answer(is_well=True, text=_line(response.read(500)))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(is_well=False, text=_line(error.read(500)))
    except OSError as error:
        reason = getattr(error, "reason", error)
        return Answer(is_well=False, text=f"{url} does not answer: {reason}")


def _line(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())
