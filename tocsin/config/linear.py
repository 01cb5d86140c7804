"""Patterns that take linear time whatever people write: those of RE2.

For single strings, a dozen a second. Columns go through pyarrow, which has RE2 inside
and takes 80 MB.
"""

from __future__ import annotations

from typing import Any

_MAX_SHOWN = 60


def compile_linear(text: str) -> Any:
    """The compiled pattern; its methods are those of `re`.

    Raises:
        ValueError: it is none; the message says why.
    """
    import re2  # noqa: PLC0415 - most commands need none

    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr
    try:
        return re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
        raise ValueError(f'expected a pattern of RE2, got "{shown}": {why}') from None
