"""The formats that Tocsin knows, in the order in which they are tried.

To add one, add a value to `marked` or `dated`: nothing else.

Order counts: a line is of the first format that matches it. A format that can match
the same line as an earlier one names it in `after`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.formats.dated import BRACKETED, DATED
from tocsin.formats.format import Format
from tocsin.formats.marked import GO, STRUCTURED, SYSLOG, WEB

FORMATS: tuple[Format, ...] = (
    *STRUCTURED,
    *SYSLOG,
    *WEB,
    *GO,
    *BRACKETED,
    *DATED,
)

BY_NAME: Mapping[str, Format] = {format_.name: format_ for format_ in FORMATS}
