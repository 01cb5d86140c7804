r"""The formats that Tocsin knows. To add one, add a value here: nothing else.

Order counts: a line is of the first format that matches it. A format that can match
the same line as an earlier one names it in `after`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.formats.format import Decoder, Example, Format
from tocsin.values import Level

_PAIR = r'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
_PAIRS = rf"^(?:{_PAIR}\s+)*?"
_LOGGER = r"[A-Za-z_][\w.$/-]*"
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
        head=rf"^{_PAIR}\s+[A-Za-z_@][\w.@/-]*=",
        fields=(
            rf'{_PAIRS}@?(?:level|lvl|severity|loglevel)="?(?P<level>[A-Za-z]+)',
            rf'{_PAIRS}@?(?:time|ts|timestamp|t)="?%{{time:iso}}',
            rf'{_PAIRS}@?(?:time|ts|timestamp|t)="?%{{time:epoch}}',
        ),
        messages=(
            rf'{_PAIRS}@?(?:msg|message)="(?P<message>(?:[^"\\]|\\.)*)"',
            rf"{_PAIRS}@?(?:msg|message)=(?P<message>[^\s\"]+)",
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

BRACKETED: tuple[Format, ...] = (
    Format(
        name="elasticsearch",
        source="Elasticsearch, log4j2.properties, PatternLayout",
        head=r"^\[%{time:iso}\]\[%{level} *\]\[[^\]]*\] *(?:\[[^\]]*\] )?",
        examples=(
            Example(
                "[2026-03-14T09:21:07,482][WARN ][o.e.c.Monitor] [data-0] disk is full",
                Level.WARN,
                "2026-03-14T09:21:07.482Z",
                "disk is full",
            ),
        ),
    ),
    Format(
        name="kafka",
        source="Apache Kafka, log4j2.yaml, PatternLayout",
        head=r"^\[%{time:iso}\] +%{level} ",
        examples=(
            Example(
                "[2026-03-14 09:21:07,482] WARN [Broker 1] Unexpected error (k.Net)",
                Level.WARN,
                _AT_MS,
                "[Broker 1] Unexpected error (k.Net)",
            ),
        ),
    ),
    Format(
        name="celery",
        source="Celery, worker_log_format",
        head=r"^\[%{time:iso}: %{level}/[^\]]+\] ",
        examples=(
            Example(
                "[2026-03-14 09:21:07,482: ERROR/ForkPoolWorker-2] Task mail raised",
                Level.ERROR,
                _AT_MS,
                "Task mail raised",
            ),
        ),
    ),
    Format(
        name="gunicorn",
        source="gunicorn, glogging.py, error_fmt",
        head=r"^\[%{time:iso-zone}\] \[\d+\] \[%{level}\] ",
        examples=(
            Example(
                "[2026-03-14 09:21:07 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:31)",
                Level.FATAL,
                _AT,
                "WORKER TIMEOUT (pid:31)",
            ),
        ),
    ),
    Format(
        name="env-logger",
        source="Rust, crate env_logger, default format",
        head=r"^\[%{time:iso} +%{level} +[^\]\s]+\] ",
        examples=(
            Example(
                "[2026-03-14T09:21:07Z ERROR relay::upstream] could not reach it",
                Level.ERROR,
                _AT,
                "could not reach it",
            ),
        ),
    ),
)

DATED: tuple[Format, ...] = (
    Format(
        name="spring-boot",
        source="Spring Boot, defaults.xml, CONSOLE_LOG_PATTERN",
        head=r"^%{time:iso} +%{level} \d+ --- (?:\[[^\]]*\] *)+[^\s:\[][^\s:]* *: ",
        examples=(
            Example(
                "2026-03-14T09:21:07.482Z  WARN 1 --- [   scheduling-1] "
                "c.a.StockPoller       : poll took 5312 ms",
                Level.WARN,
                _AT_MS,
                "poll took 5312 ms",
            ),
        ),
    ),
    Format(
        name="log4j",
        source="Log4j 2, PatternLayout %d %p [%t] %c - %m",
        head=r"^%{time:iso} +%{level} +\[[^\]]*\] +[^\s:]+(?::| +[-:]) ",
        examples=(
            Example(
                "2026-03-14 09:21:07,482 ERROR [http-nio-8080-exec-4] c.a.Orders - "
                "failed to reserve",
                Level.ERROR,
                _AT_MS,
                "failed to reserve",
            ),
            Example(
                "2026-03-14 09:21:07,482 INFO  [main] o.a.h.FSNamesystem: 0 failed",
                Level.INFO,
                _AT_MS,
                "0 failed",
            ),
        ),
    ),
    Format(
        name="log4j-thread-first",
        source="Log4j 2, PatternLayout %d [%t] %-5p %c - %m; logback's default",
        head=r"^%{time:iso} +\[[^\]]*\] +%{level} +[^\s:]+(?::| +[-:]) ",
        examples=(
            Example(
                "2026-03-14 09:21:07,482 [error-handler-1] INFO  c.a.Worker - started",
                Level.INFO,
                _AT_MS,
                "started",
            ),
        ),
    ),
    Format(
        name="zookeeper",
        source="Apache ZooKeeper, logback.xml",
        head=r"^%{time:iso} +\[[^\]]*\] +- +%{level} +\[[^\]]*\] - ",
        examples=(
            Example(
                "2026-03-14 09:21:07,482 [myid:1] - INFO  [Nio-3:Cmd@234] - 4 commands",
                Level.INFO,
                _AT_MS,
                "4 commands",
            ),
        ),
    ),
    Format(
        name="python-dashes",
        source="Python, logging cookbook: %(asctime)s - %(name)s - %(levelname)s - "
        "%(message)s",
        head=r"^%{time:iso} - \S+ - %{level} - ",
        examples=(
            Example(
                "2026-03-14 09:21:07,482 - payments.error - CRITICAL - vault sealed",
                Level.FATAL,
                _AT_MS,
                "vault sealed",
            ),
        ),
    ),
    Format(
        name="python-logger",
        source="Python, logging: %(asctime)s %(levelname)s %(name)s: %(message)s",
        head=rf"^%{{time:iso}} +%{{level}} +{_LOGGER} ?: ",
        examples=(
            Example(
                "2026-03-14 09:21:07,482 DEBUG payments.db: pool size=20 errors=0",
                Level.DEBUG,
                _AT_MS,
                "pool size=20 errors=0",
            ),
        ),
    ),
    Format(
        name="pipes",
        source="loguru's and NLog's default layouts",
        head=r"^%{time:iso} *\| *%{level} *\| *[^|\s]+(?:\|| +[-|] )",
        examples=(
            Example(
                "2026-03-14 09:21:07.482 | SUCCESS  | app.etl:run:42 - loaded 12 rows",
                Level.INFO,
                _AT_MS,
                "loaded 12 rows",
            ),
            Example(
                "2026-03-14 09:21:07.482|ERROR|Orders.Api|Could not charge card",
                Level.ERROR,
                _AT_MS,
                "Could not charge card",
            ),
        ),
    ),
    Format(
        name="dated-brackets",
        source="winston, hclog, structlog's console: time [level] message",
        head=r"^%{time:iso} +\[%{level} *\]:? +",
        after=("log4j-thread-first",),
        examples=(
            Example(
                "2026-03-14T09:21:07.482Z [WARN]  agent.fsm: an error was ignored",
                Level.WARN,
                _AT_MS,
                "agent.fsm: an error was ignored",
            ),
        ),
    ),
    Format(
        name="dated-level",
        source="the common denominator: time level message",
        head=r"^%{time:iso} +%{level}(?: +|: +)",
        after=("spring-boot", "log4j", "python-logger"),
        examples=(
            Example(
                "2026-03-14 09:21:07,482 INFO sqlalchemy.Engine SELECT error FROM log",
                Level.INFO,
                _AT_MS,
                "sqlalchemy.Engine SELECT error FROM log",
            ),
        ),
    ),
    Format(
        name="python-basic",
        source="Python, logging.BASIC_FORMAT",
        head=r"^%{level}:[A-Za-z_][\w.-]*:",
        examples=(
            Example(
                "WARNING:urllib3.pool:retrying after an error",
                Level.WARN,
                None,
                "retrying after an error",
            ),
        ),
    ),
    Format(
        name="syslog-iso",
        source="rsyslog, RSYSLOG_FileFormat (the default of Debian 12)",
        head=r"^%{time:iso} \S+ [^\s:\[]+(?:\[\d+\])?: ",
        after=("python-logger", "dated-brackets", "dated-level"),
        body_level=True,
        examples=(
            Example(
                "2026-03-14T09:21:07.482000+00:00 web-1 sshd[812]: session opened",
                Level.UNKNOWN,
                _AT_MS,
                "session opened",
            ),
        ),
    ),
)

FORMATS: tuple[Format, ...] = (
    *STRUCTURED,
    *SYSLOG,
    *WEB,
    *GO,
    *BRACKETED,
    *DATED,
)

BY_NAME: Mapping[str, Format] = {format_.name: format_ for format_ in FORMATS}
