r"""Formats whose lines begin with an ISO time, in brackets or bare."""

from __future__ import annotations

from tocsin.formats.format import Example, Format
from tocsin.values import Level

_LOGGER = r"[A-Za-z_][\w.$/-]*"
_AT_MS = "2026-03-14T09:21:07.482Z"
_AT = "2026-03-14T09:21:07Z"

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
        # Before the process: application and trace, as Spring Cloud Sleuth writes them.
        head=r"^%{time:iso} +%{level} +(?:\[[^\]]*\] +)?\d+ --- "
        r"(?:\[[^\]]*\] *)+[^\s:\[][^\s:]* *: ",
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
        # (thread) [logger] of Home Assistant, [logger] (thread) of WildFly and Quarkus.
        messages=(
            (
                r"^%{time:iso} +%{level}(?: +|: +)(?:\([^()\n]*\) +\[[^\]\n]*\]"
                r"|\[[^\]\n]*\] +\((?:[^()\n]|\([^()\n]*\))*\)) +"
                r"(?P<message>(?s:.*))"
            ),
            r"^%{time:iso} +%{level}(?: +|: +)(?P<message>(?s:.*))",
        ),
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
