"""JSON to a web address, for receivers that are no Slack."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3

from alerting.notify.port import OutcomeUnknown
from tocsin.errors import DeliveryFailed

_TIMEOUT_S = 6.0
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
)


class Address:
    """A web address; its path may be secret, so only its host is ever shown."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc.rpartition("@")[2]
        self._url = url
        # No redirects: a body with log lines goes where the configuration says.
        self._pool = urllib3.PoolManager(
            timeout=timeout_s, retries=False, num_pools=1, maxsize=1
        )

    def __repr__(self) -> str:
        return f"Address({self.host!r})"

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        """Deliver a body; blocks at most some seconds.

        Raises:
            DeliveryFailed: no answer, or one that is not 2xx.
        """
        return self._request("POST", path, body, headers)

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """Ask.

        Raises:
            DeliveryFailed: no answer, or one that is not 2xx.
        """
        return self._request("GET", path, None, {})

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        url = self._url.rstrip("/") + path if path else self._url
        try:
            answer = self._pool.request(
                method, url, body=body, headers={"User-Agent": "tocsin", **headers}
            )
        except _NOT_SENT as error:
            text = f"{self.host}: cannot be reached ({type(error).__name__})"
            raise DeliveryFailed(text, retryable=True) from error
        except urllib3.exceptions.HTTPError as error:
            text = f"{self.host}: no answer ({type(error).__name__})"
            raise OutcomeUnknown(text) from error
        if not 200 <= answer.status < 300:
            raise _refusal(self.host, answer)
        return answer


def _refusal(host: str, answer: urllib3.BaseHTTPResponse) -> DeliveryFailed:
    text = f"{host} answered {answer.status}"
    if answer.status in {429, 503} and "Retry-After" in answer.headers:
        try:
            wait_s = max(1.0, float(answer.headers["Retry-After"]))
        except ValueError:  # a date
            wait_s = 30.0
        return DeliveryFailed(text, retryable=True, retry_after_s=wait_s)
    if answer.status == 429:
        return DeliveryFailed(text, retryable=True, retry_after_s=30.0)
    if answer.status >= 500 or answer.status == 408:
        return OutcomeUnknown(text)
    failed = DeliveryFailed(text, retryable=False)
    failed.hint = "check the receiver's address and what it expects"
    return failed
