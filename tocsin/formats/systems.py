"""Whose lines Tocsin reads: programs and libraries, and by what their lines are read.

`formats` are those of the catalogue; "general" stands for the rules of `fallback`,
which read any line with a header. Lines that are read by them have no format; a
`pattern` gives those of one system a name, for people only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

GENERAL = "general"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class System:
    """A program or library that writes logs; `source` defines what it writes."""

    name: str
    formats: tuple[str, ...]
    source: str
    pattern: str = ""


_DAY = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d:\d\d"
_J, _G, _S = ("json",), (GENERAL,), ("syslog", "syslog-iso", "syslog-pri", GENERAL)

SYSTEMS: tuple[System, ...] = (
    System("bunyan", _J, "node-bunyan, README, Log Record Fields"),
    System(
        "pino", ("json", GENERAL), "pino, docs/api.md; pino-pretty",
        rf"^\[{_CLOCK}\.\d{{3}}\] [A-Z]+ \(\d+\): ",
    ),
    System(
        "zap", ("json", GENERAL), "go.uber.org/zap, zapcore encoders",
        r"^\S+\t(?:DEBUG|INFO|WARN|ERROR|DPANIC|PANIC|FATAL)\t",
    ),
    System("zerolog", ("json", "dated-level"), "rs/zerolog, ConsoleWriter"),
    System(
        "logrus", ("json", "logfmt", GENERAL), "sirupsen/logrus, TextFormatter",
        r"^[A-Z]{4}\[\d{4}\] ",
    ),
    System(
        "serilog", ("json", GENERAL), "Serilog, CLEF and the console's template",
        rf"^(?:\[{_CLOCK} [A-Z]{{3}}\]|{_DAY} \S+ \S+ \[[A-Z]{{3}}\]) ",
    ),
    System("ecs", _J, "Elastic Common Schema, field sets log and base"),
    System("gelf", _J, "Graylog Extended Log Format 1.1"),
    System("opentelemetry", _J, "OTLP/JSON; Logs Data Model"),
    System("journald", _J, "systemd.journal-fields(7), export as JSON"),
    System(
        "mongodb", ("json", GENERAL), "MongoDB manual, Log Messages (4.4 and before)",
        rf"^{_DAY}T\S+[+-]\d{{4}} [DIWEF]\d? [A-Z]{{3,10}} +\[",
    ),
    System("logfmt", ("logfmt",), "https://brandur.org/logfmt"),
    System(
        "syslog", ("syslog", "syslog-pri", "syslog-5424", "syslog-iso", GENERAL),
        "RFC 3164, RFC 5424; Cisco System Message Logging",
        r"^(?:<\d+>|[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d )",
    ),
    System("klog", ("klog",), "kubernetes/klog, header format"),
    System(
        "glog", _G, "google/glog, README; CockroachDB, log format crdb-v1",
        r"^[IWEF]\d{6,8} \d\d:\d\d:\d\d",
    ),
    System(
        "log4j", ("log4j", "log4j-thread-first", "dated-level", GENERAL),
        "Apache Log4j 2, PatternLayout",
        rf"^[A-Z]{{4,5}} +(?:\[[^\]]+\] )?{_DAY} {_CLOCK},\d",
    ),
    System(
        "logback", ("dated-level", "log4j-thread-first", GENERAL),
        "logback, BasicConfigurator", rf"^{_CLOCK}\.\d{{3}} \[[^\]]+\] [A-Z]+ +\S+ - ",
    ),
    System("spring-boot", ("spring-boot",), "Spring Boot, CONSOLE_LOG_PATTERN"),
    System(
        "java.util.logging", ("dated-level", GENERAL),
        "java.util.logging.SimpleFormatter; Tomcat, OneLineFormatter",
        r"^(?:[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:"
        r"|(?:SEVERE|WARNING|INFO|CONFIG|FINE[A-Z]*): [^ ])",
    ),
    System(
        "python",
        (
            *("python-basic", "python-dashes", "python-logger", "dated-brackets"),
            *("pipes", GENERAL),
        ),
        "Python, logging; structlog; loguru; Airflow; Tornado",
        rf"^\[(?:[A-Z] {_DAY}|{_DAY}\S+\] \{{)",
    ),
    System(
        "python-traceback", ("python-logger", GENERAL), "Python, traceback; the JVM",
        r"^(?:Traceback \(|Exception in thread \")",
    ),
    System("go-log", ("go-log", GENERAL), "Go, package log; panics", r"^panic: "),
    System(
        "rust", ("env-logger", "dated-level", "json", GENERAL),
        "Rust, env_logger and tracing-subscriber", r"^thread '[^']*' panicked at ",
    ),
    System(
        "rails", _G, "Ruby, Logger::Formatter; Rails::Rack::Logger",
        r"^(?:[DIWEFA], \[|Started [A-Z]+ \")",
    ),
    System(
        "laravel", _G, "Monolog, LineFormatter", r"^\[[^\]]+\] [\w-]+\.[A-Z]+: "
    ),
    System(
        "php", _G, "PHP, error_log; PHP-FPM",
        r"^\[\d\d-[A-Z][a-z]{2}-\d{4} [^\]]+\] (?:PHP |[A-Z]+: )",
    ),
    System(
        "dotnet", ("pipes", "json", GENERAL),
        ".NET, SimpleConsoleFormatter; NLog", r"^(?:trce|dbug|info|warn|fail|crit): ",
    ),
    System(
        "postgresql", _G, "PostgreSQL manual, log_line_prefix and csvlog",
        rf"^{_DAY} {_CLOCK}\.\d{{3}} [A-Z]+(?: \[\d+\]|,\")",
    ),
    System(
        "mysql", _G, "MySQL manual, Error Log Output Format; MariaDB",
        rf"^(?:{_DAY}(?:T| +)|\d{{6}} +)\d?\d:\d\d:\d\d\S* (?:\d+ )?\[[A-Z]\w+\]",
    ),
    System("redis", _G, "Redis, server.c, serverLogRaw", r"^\d+:[A-Z] \d\d [A-Z]"),
    System("elasticsearch", ("elasticsearch",), "Elasticsearch, log4j2.properties"),
    System("kafka", ("kafka",), "Apache Kafka, log4j2.yaml"),
    System(
        "zookeeper", ("zookeeper", GENERAL), "Apache ZooKeeper, logback.xml",
        rf"^{_DAY} {_CLOCK},\d{{3}} - [A-Z]+ +\[",
    ),
    System(
        "hadoop", ("log4j", GENERAL), "Apache Hadoop, log4j.properties",
        r"^\d{6} \d{6} \d+ [A-Z]+ ",
    ),
    System(
        "spark", _G, "Apache Spark, log4j2.properties.template",
        rf"^\d\d/\d\d/\d\d {_CLOCK} [A-Z]+ ",
    ),
    System("nginx", ("nginx-error", "access", "json"), "nginx, ngx_log.c, log_format"),
    System(
        "apache", ("access", GENERAL), "Apache httpd, ErrorLogFormat, mod_log_config",
        r"^(?:\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d |\S+ \S+ \S+ \S+ \[\d\d/[A-Z])",
    ),
    System("haproxy", ("syslog",), "HAProxy manual, Log formats"),
    System(
        "envoy", ("elasticsearch", GENERAL), "Envoy, application and access logs",
        rf"^\[{_DAY}[ T]{_CLOCK}\.\d+Z?\](?:\[\d+\]\[| \")",
    ),
    System("traefik", ("dated-level", "access", "logfmt"), "Traefik, logs"),
    System(
        "caddy", ("json", GENERAL), "Caddy, logging",
        rf"^\d{{4}}/\d\d/\d\d {_CLOCK}\.\d{{3}}\t[A-Z]+\t",
    ),
    System(
        "uwsgi", _G, "uWSGI, LogFormat", r"^(?:\[pid: \d+\||\*\*\* |WSGI app )"
    ),
    System("gunicorn", ("gunicorn",), "gunicorn, glogging.py"),
    System(
        "uvicorn", _G, "uvicorn, logging.py",
        r"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL): {2,}",
    ),
    System("celery", ("celery",), "Celery, worker_log_format"),
    System(
        "rabbitmq", ("dated-brackets", GENERAL), "RabbitMQ; Erlang, error_logger",
        r"^=[A-Z ]+ REPORT==",
    ),
    System(
        "etcd", ("json", GENERAL), "etcd, capnslog",
        rf"^{_DAY} {_CLOCK}\.\d{{6}} [A-Z] \| ",
    ),
    System("consul", ("dated-brackets", "go-log"), "hashicorp/go-hclog"),
    System("vault", ("dated-brackets",), "hashicorp/go-hclog"),
    System(
        "docker", ("logfmt", "python-logger", "dated-brackets", GENERAL),
        "dockerd; json-file; docker compose logs",
    ),
    System("containerd", ("logfmt", "klog"), "containerd; CRI logging format"),
    System("kubelet", ("klog", "syslog"), "kubernetes/klog, header format"),
    System(
        "android", _G, "Android, logcat output formats brief and threadtime",
        r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +\d+ +\d+ [A-Z] |[VDIWEFS]/)",
    ),
    System(
        "windows-cbs", _G, "Windows, CBS.log; wevtutil as text",
        rf"^(?:{_DAY} {_CLOCK}, [A-Z][a-z]+ +[A-Z]+ |\d+/\d+/\d{{4}} \S+ [AP]M  )",
    ),
    System(
        "macos", ("syslog", GENERAL), "macOS, syslog and log(1)",
        rf"^{_DAY} \S+[+-]\d{{4}} 0x[0-9a-f]+ ",
    ),
    System("openssh", _S, "OpenSSH, log.c, over syslog"),
    System("sudo", _S, "sudo, log_allowed, over syslog"),
    System("cron", _S, "cron(8), over syslog"),
    System("postfix", _S, "Postfix, msg(3), over syslog"),
    System(
        "fail2ban", _G, "fail2ban, logformat",
        rf"^{_DAY} {_CLOCK},\d{{3}} fail2ban\.",
    ),
    System(
        "aws", ("json", GENERAL),
        "AWS, access logs of load balancers, CloudTrail, VPC flow logs, Lambda",
        rf"^(?:(?:https?|h2|grpcs?|wss?) {_DAY}T|\d \d{{12}} eni-|\[[A-Z]+\]\t"
        r"|\d{4}-\d\d-\d\dT\S+\t\S+\t[A-Z]+\t|(?:REPORT|START|END) RequestId: )",
    ),
    System("terraform", ("dated-brackets",), "hashicorp/go-hclog"),
    System("hclog", ("json", "logfmt"), "hashicorp/go-hclog, as JSON"),
    System(
        "iis",
        _G,
        "IIS, W3C Extended Log Format",
        rf"^{_DAY} {_CLOCK} \S+ [A-Z]+ /",
    ),
    System("gitlab", _J, "GitLab, log system"),
)  # fmt: skip


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[bytes]], ...]:
    return tuple(
        (system.name, re.compile(system.pattern.encode()))
        for system in SYSTEMS
        if system.pattern
    )


def name_of(line: bytes, *, is_told: bool) -> str:
    """A name for a line of no format; `is_told`: the rules found a level or a time."""
    found = next((name for name, pattern in _patterns() if pattern.match(line)), None)
    return found or (GENERAL if is_told else UNKNOWN)
