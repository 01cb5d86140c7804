"""Lines written by us, with what is to be read from them."""

from __future__ import annotations

from typing import NamedTuple

from tocsin.values import Level

AT = "2026-03-14T09:21:07Z"
AT_MS = "2026-03-14T09:21:07.250Z"


class Case(NamedTuple):
    """A line and its level and time (UTC)."""

    line: str
    level: Level
    at: str | None
    message: str = ""


def info(line: str, at: str | None = AT) -> Case:
    return Case(line, Level.INFO, at)


def warn(line: str, at: str | None = AT) -> Case:
    return Case(line, Level.WARN, at)


def error(line: str, at: str | None = AT) -> Case:
    return Case(line, Level.ERROR, at)


def fatal(line: str, at: str | None = AT) -> Case:
    return Case(line, Level.FATAL, at)


def unknown(line: str, at: str | None = AT) -> Case:
    return Case(line, Level.UNKNOWN, at)


CORPUS = (
    # JSON of many loggers
    error('{"level":"error","ts":1773480067.25,"msg":"no space left"}', AT_MS),
    info('{"level":30,"time":1773480067250,"msg":"answered","status":500}', AT_MS),
    fatal('{"level":60,"time":"2026-03-14T09:21:07Z","msg":"bye"}'),
    warn('{"severity":"WARNING","timestamp":"2026-03-14T10:21:07+01:00"}'),
    info('{"log.level":"info","@timestamp":"2026-03-14T09:21:07Z","message":"e"}'),
    error('{"t":{"$date":"2026-03-14T09:21:07.250+00:00"},"s":"E","msg":"x"}', AT_MS),
    error('{"severityNumber":17,"timeUnixNano":"1773480067250000000"}', AT_MS),
    error('{"PRIORITY":"3","__REALTIME_TIMESTAMP":"1773480067250000"}', AT_MS),
    unknown('{"user":"ann","error":"none"}', None),
    unknown('{"level":"Metadata","kind":"Event","time":"2026-03-14T09:21:07Z"}'),
    unknown('{"level":{"a":1},"time":[1]}', None),
    error('{"level":"ERROR","time":"in a while","ts":1773480067}'),
    # logfmt
    warn("level=warn time=2026-03-14T09:21:07Z msg=slow err=timeout"),
    info('msg="level=error is what we expect" level=info ts=1773480067'),
    error('time="2026-03-14T09:21:07Z" level="error" msg="cannot bind"'),
    unknown("user=ann error=none", None),
    # syslog
    error("<3>Mar 14 09:21:07 web-1 kernel: I/O failure on sda"),
    info("<14>1 2026-03-14T09:21:07Z web-1 app 7 ID1 - ERROR is only a word here"),
    unknown("Mar 14 09:21:07 web-1 CRON[7]: (root) CMD (find errors -delete)"),
    unknown("Mar 14 09:21:07 web-1 sshd[9]: error-handler thread is up"),
    error("Mar 14 09:21:07 web-1 app[9]: ERROR: cannot open the socket"),
    warn("Mar 14 09:21:07 web-1 dnsmasq[9]: warning: no upstream"),
    unknown("Dec 31 23:59:59 web-1 app[9]: last year", "2025-12-31T23:59:59Z"),
    unknown("2026-03-14T09:21:07+00:00 web-1 systemd[1]: Started Error Report."),
    # log4j and its kin
    error("2026-03-14 09:21:07,250 ERROR [pool-1] a.b.C - x", AT_MS),
    info("2026-03-14 09:21:07,250 [error-pool-1] INFO a.b.C - ERROR is past", AT_MS),
    warn("[2026-03-14 09:21:07,250] WARN Connection error to node 1 (kafka)", AT_MS),
    warn("[2026-03-14T09:21:07,250][WARN ][o.e.Disk] [n1] disk error soon", AT_MS),
    fatal("2026-03-14 09:21:07,250 FATAL a.b.Main: vault sealed", AT_MS),
    info("2026-03-14T09:21:07.250Z  INFO 7 --- [main] a.b.C   : 0 errors", AT_MS),
    # Python
    fatal("2026-03-14 09:21:07,250 - pay.error - CRITICAL - no vault", AT_MS),
    error("ERROR:root:division by zero", None),
    info("INFO:error.handler:all is well", None),
    warn("2026-03-14 09:21:07 [warning  ] slow query   [db] error=none"),
    info("2026-03-14 09:21:07.250 | SUCCESS  | app:run:1 - loaded", AT_MS),
    # Go
    info("I0314 09:21:07.250000       1 a.go:7] err=nil error=none", AT_MS),
    warn("W0314 09:21:07.250000 12345 a.go:7] error is near", AT_MS),
    fatal("F0314 09:21:07.250000 1 a.go:7] gone", AT_MS),
    unknown("2026/03/14 09:21:07 http: TLS handshake from 10.0.0.7: EOF"),
    error("2026/03/14 09:21:07 [ERROR] no route"),
    # web servers
    error('10.0.0.7 - - [14/Mar/2026:09:21:07 +0000] "GET / HTTP/1.1" 503 1 "-" "c"'),
    warn('10.0.0.7 - ann [14/Mar/2026:10:21:07 +0100] "GET /x HTTP/1.1" 404 1'),
    info('::1 - - [14/Mar/2026:09:21:07 +0000] "GET /error?level=ERROR HTTP/2" 200 1'),
    info('h - - [14/Mar/2026:09:21:07 +0000] "GET /\\"ERROR\\" HTTP/1.1" 304 -'),
    error("2026/03/14 09:21:07 [error] 7#7: *9 open() failed (2: No such file)"),
    fatal("2026/03/14 09:21:07 [emerg] 7#7: bind() to 0.0.0.0:80 failed"),
    info("2026/03/14 09:21:07 [notice] 7#7: signal 29 received"),
    # no format, only rules
    error("fail: Shop.Orders.Worker[13]", None),
    warn("E1 W2 [Warning] three", None),
    error("app |  ERROR  | could not start", None),
    error("2026-03-14 09:21:07.250 +01:00 [ERR] job 7", "2026-03-14T08:21:07.250Z"),
    warn("1:M 14 Mar 2026 09:21:07.250 # no memory left", AT_MS),
    # unknown is counted, never guessed
    error("Traceback (most recent call last):", None),
    unknown("    at com.acme.ErrorHandler.run(ErrorHandler.java:7)", None),
    unknown("the error rate is fine", None),
    unknown("error-handler started", None),
    unknown("no errors, no warnings", None),
    unknown("2026-03-14T09:21:07Z the error queue is empty"),
    unknown("", None),
    # times that are none
    error("2026-02-30 09:21:07,250 ERROR [x] a.b.C - no such day", None),
    error("2026-03-14 25:21:07,250 ERROR [x] a.b.C - no such hour", None),
    error("0000-00-00 00:00:00,000 ERROR [x] a.b.C - year 0", None),
)
