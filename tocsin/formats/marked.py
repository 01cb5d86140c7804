r"""Formats that begin with something else than a time, or with one in another form.

JSON and logfmt, syslog, web servers, Go.
"""

from __future__ import annotations

from tocsin.formats.format import Decoder, Example, Format
from tocsin.values import Level

_PAIR = r'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
_PAIRS = rf"^(?:{_PAIR}\s+)*?"
_USER = r'(?:[^\s"]\S*|"[^"]*")'
_AT_MS = "2026-03-14T09:21:07.482Z"
_AT = "2026-03-14T09:21:07Z"

STRUCTURED: tuple[Format, ...] = (
    Format(
        name="json",
        source="RFC 8259; keys of bunyan, pino, zap, zerolog, logrus, Serilog CLEF, "
        "Elastic Common Schema, GELF, OpenTelemetry, MongoDB",
        decoder=Decoder.JSON,
        examples=(
            Example(
                '{"level":50,"time":1773480067482,"pid":7,"msg":"no route"}',
                Level.ERROR,
                _AT_MS,
                "no route",
            ),
            Example(
                '{"@timestamp":"2026-03-14T09:21:07.482Z","log":{"level":"warn"},'
                '"message":"queue is filling"}',
                Level.WARN,
                _AT_MS,
                "queue is filling",
            ),
            Example(
                '{"@t":"2026-03-14T09:21:07.482Z","@m":"handled 0 errors"}',
                Level.INFO,
                _AT_MS,
                "handled 0 errors",
            ),
        ),
    ),
    Format(
        name="logfmt",
        source="https://brandur.org/logfmt; Go's log/slog TextHandler, logrus",
        time_anywhere=True,
        status_level=True,
        head=rf"^{_PAIR}\s+[A-Za-z_@][\w.@/-]*=",
        fields=(
            rf'{_PAIRS}@?(?:(?:log\.)?level|lvl|severity|sev|loglevel)="?(?P<level>[A-Za-z]+)',
            rf'{_PAIRS}@?(?:time|ts|timestamp|t)="?%{{time:iso}}',
            rf'{_PAIRS}@?(?:time|ts|timestamp|t)="?%{{time:epoch}}',
            rf"{_PAIRS}date=%{{time:iso-pairs}}",
        ),
        messages=(
            rf'{_PAIRS}@?(?:msg|message)="(?P<message>(?:[^"\\]|\\.)*)"',
            rf"{_PAIRS}@?(?:msg|message)=(?P<message>[^\s\"(\'][^\s\"(]*)(?:\s|$)",
        ),
        examples=(
            Example(
                "ts=2026-03-14T09:21:07.482Z level=error "
                'msg="could not append" err="out of bounds"',
                Level.ERROR,
                _AT_MS,
                "could not append",
            ),
            Example(
                'time="2026-03-14T09:21:07Z" msg="level=error was asked" level=info',
                Level.INFO,
                _AT,
                "level=error was asked",
            ),
        ),
    ),
)

SYSLOG: tuple[Format, ...] = (
    Format(
        name="syslog-5424",
        source="RFC 5424, section 6",
        head=r"^<(?P<pri>\d{1,3})>\d{1,2} (?:-|%{time:iso}) \S+ \S+ \S+ \S+ "
        r"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?",
        examples=(
            Example(
                '<131>1 2026-03-14T10:21:07.482+01:00 web-1 shop 812 - [a@1 b="c"] '
                "gateway timeout",
                Level.ERROR,
                _AT_MS,
                "gateway timeout",
            ),
        ),
    ),
    Format(
        name="syslog-pri",
        source="RFC 3164, section 4.1",
        head=r"^<(?P<pri>\d{1,3})>%{time:syslog} \S+ [^\s:\[]+(?:\[\d+\])?: ",
        examples=(
            Example(
                "<11>Mar 14 09:21:07 web-1 app[812]: cannot open socket",
                Level.ERROR,
                _AT,
                "cannot open socket",
            ),
        ),
    ),
    Format(
        name="syslog",
        source="RFC 3164 as syslogd writes it to files, without the priority",
        head=r"^%{time:syslog} \S+ [^\s:\[]+(?:\[\d+\])?: ",
        body_level=True,
        examples=(
            Example(
                "Mar 14 09:21:07 web-1 sshd[812]: session opened for user root",
                Level.UNKNOWN,
                _AT,
                "session opened for user root",
            ),
            Example(
                "Mar 14 09:21:07 lb-1 haproxy[8]: [ALERT] (1) : worker 8 has gone",
                Level.FATAL,
                _AT,
                "[ALERT] (1) : worker 8 has gone",
            ),
        ),
    ),
)

WEB: tuple[Format, ...] = (
    Format(
        name="access",
        source="Common and combined log format: nginx ngx_http_log_module, Apache "
        "mod_log_config",
        head=rf"^\S+ \S+ {_USER} \[%{{time:clf}}\] "
        r'"(?:[^"\\]|\\.)*" (?P<status>\d{3}) ',
        messages=(rf'^\S+ \S+ {_USER} \[[^\]]*\] "(?P<message>(?:[^"\\]|\\.)*)"',),
        examples=(
            Example(
                '10.1.2.3 - - [14/Mar/2026:10:21:07 +0100] "POST /orders HTTP/1.1" '
                '502 157 "https://shop.example/cart" "Mozilla/5.0"',
                Level.ERROR,
                _AT,
                "POST /orders HTTP/1.1",
            ),
            Example(
                '::1 - "a b" [14/Mar/2026:09:21:07 +0000] "GET /error HTTP/1.1" 404 15',
                Level.WARN,
                _AT,
                "GET /error HTTP/1.1",
            ),
            Example(
                '10.1.2.3 - ann [14/Mar/2026:09:21:07 +0000] "GET /error HTTP/1.1" '
                "200 512",
                Level.INFO,
                _AT,
                "GET /error HTTP/1.1",
            ),
        ),
    ),
    Format(
        name="nginx-error",
        source="nginx, ngx_log.c",
        head=r"^%{time:slashes} \[%{level}\] \d+#\d+: (?:\*\d+ )?",
        examples=(
            Example(
                "2026/03/14 09:21:07 [crit] 31#31: *9 SSL_do_handshake() failed",
                Level.FATAL,
                _AT,
                "SSL_do_handshake() failed",
            ),
        ),
    ),
)

GO: tuple[Format, ...] = (
    Format(
        name="klog",
        source="https://github.com/kubernetes/klog, header format",
        head=r"^(?P<level>[IWEF])%{time:klog} +\d+ [^\s:]+:\d+\] ",
        examples=(
            Example(
                "I0314 09:21:07.482000       1 sync.go:88] no change err=nil",
                Level.INFO,
                _AT_MS,
                "no change err=nil",
            ),
            Example(
                "E0314 09:21:07.482000 1 lease.go:330] cannot get the lock",
                Level.ERROR,
                _AT_MS,
                "cannot get the lock",
            ),
        ),
    ),
    Format(
        name="go-log",
        source="Go, package log, LstdFlags",
        head=r"^%{time:slashes} ",
        after=("nginx-error",),
        body_level=True,
        examples=(
            Example(
                "2026/03/14 09:21:07 listening on :8080",
                Level.UNKNOWN,
                _AT,
                "listening on :8080",
            ),
            Example(
                "2026/03/14 09:21:07 [ERROR] dial tcp: refused",
                Level.ERROR,
                _AT,
                "[ERROR] dial tcp: refused",
            ),
        ),
    ),
)
