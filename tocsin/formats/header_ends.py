"""Where the header of a line that no format matches ends, as data.

A header is time, level, host, process, thread, logger and request id; the message is
what follows. Names of loggers are told by their characters (`c.a.Orders:`, `x.go:33]`):
in `ERROR Failed: no route` the word before the colon is a part of the message.
"""

from __future__ import annotations

from tocsin.formats import times

# Without `: ` in it: `[instance: 7]` is told, not stamped on.
_BRACKET = (
    r"(?:\[(?:[^\[\]\n:]|:[^\s\[\]]|\[[^\[\]\n]*\])*\]"
    r"|\{[\w.:-]*\}|<[\w.]*>|\([\w. -]*\))"
)
_CLOSERS = r"[\s\]):|>,;}\"*=!-]*"
_LOGGER = (
    r"(?:[A-Za-z_][\w$-]*[./$@:\[(][\w.$/@:\[\]()#*-]*"
    r"|[A-Z][a-z0-9]+[A-Z][\w$]*|\w*_\w+)"
)
_NAMED = (
    rf"(?:{_LOGGER}(?:\[\d+\])?\s*:\s+"  # c.a.Orders:
    rf"|{_LOGGER}(?: \*?\d+)?\s+-+\s+"  # app.etl:run:42 -
    r"|(?:\d+ )?[\w./-]+:\d+\]\s+"  # x.go:33]
    r"|/[^\s(:]+\s*(?:\(\s*\d+\))?:\s+"  # W/Tag( 812):
    rf"|[a-z_]\w*(?:\.[\w$]+)+\s+{_BRACKET}\s*(?:-+\s+)?"  # nova.compute [req-1 - -]
    r"|[\w./:@-]+\t+"
    r"|[A-Z][\w.]*\s\s+"  # CBS, in columns
    r"|(?:[\w.$-]+\s*\|\s*)+)"
)
_TOKEN = r"(?:[^\s\[\]]*[0-9/][^\s\[\]]*|[A-Z][a-z][a-z])"  # noqa: S105 - a pattern
_TAGGED = (
    # web-1 sshd[812]:
    rf"(?:(?:{_TOKEN}\s+)*(?:[\w.-]+\s+)?[\w./-]+(?:\([\w-]+\))?\[\d+\]:\s+"
    rf"|(?:{_TOKEN}\s+){{2,}}[\w./-]+(?:\([\w-]+\))?:\s+)"
)
_SYSLOG_HOST = (
    rf"{times.BY_NAME['syslog'].pattern}\s+[\w.-]+\s+(?:-+\s+)?"
    r"(?:(?:[\w./-]+|[A-Z]\w+(?: [A-Z]\w+)+)(?: [\d.]+|\([\w-]+\))?"
    r"(?:\[\d+\])?(?: \([\w.\[\]-]+\))?:\s+)?"
)
_ANY_TIME = "(?:" + "|".join(form.pattern for form in times.SEARCHED) + ")"
_EPOCH = r"1\d{9}(?:\.\d+)?[\s:]+"
_PLACE = (
    r"(?:\d+\s+---|\d+#\d+:(?:\s\*\d+)?|0x[0-9a-f]+"
    rf"|#\d+\]\s+[A-Z]+ --[^:\n]*:|{_BRACKET})[\s:|-]*"
)

TIME_END = (
    rf"^{_CLOSERS}(?:{_SYSLOG_HOST}|{_ANY_TIME}\b{_CLOSERS}|{_EPOCH})?"
    r"(?P<message>(?s:.*))"
)
"""What follows a level, or begins with a time: without the time."""

NAMES_END = (
    rf"^{_CLOSERS}(?:{_PLACE})*(?:{_TAGGED}|{_NAMED})?(?:{_BRACKET}[\s:|-]+)*"
    r"(?:(?:msg|message)[=:]\"?)?(?P<message>(?s:.*))"
)
"""What follows time and level: without thread, process, logger and request id."""
