"""Streams cut into the events that a person would see, written by us.

Each case is a name and its events; the stream is their lines, one after the other.
"""

# Envelopes are as long as they are.
# ruff: noqa: E501, ISC004

from __future__ import annotations

HEADED: dict[str, list[str]] = {
    "java with causes": [
        "2026-03-14 09:21:07,482 ERROR [main] c.a.Pay - charge failed",
        """\
2026-03-14 09:21:07,490 ERROR [main] c.a.Pay - charge failed again
com.acme.PayException: declined
see the bank's answer
	at com.acme.Pay.charge(Pay.java:88)
	Suppressed: java.io.IOException: close
		at com.acme.Pay.close(Pay.java:99)
Caused by: java.net.SocketTimeoutException: Read timed out
	at java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:288)
	... 14 common frames omitted""",
        "2026-03-14 09:21:07,499 INFO  [main] c.a.Pay - next",
    ],
    "python, chained": [
        """\
[2026-03-14 09:21:07,482: ERROR/ForkPoolWorker-2] Task mail raised unexpected
Traceback (most recent call last):
  File "/srv/app/db.py", line 31, in get
    return rows[key]
           ~~~~^^^^^
KeyError: 'id'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app/worker.py", line 44, in step
    raise LookupError("bad row") from error
LookupError: bad row""",
        "[2026-03-14 09:21:08,000: INFO/MainProcess] Task mail succeeded",
    ],
    "rails": [
        "I, [2026-03-14T09:21:07.482193 #31]  INFO -- : Started GET /orders/7",
        """\
F, [2026-03-14T09:21:07.490000 #31] FATAL -- : [9f1c]
[9f1c] NoMethodError (undefined method `total' for nil):
[9f1c]
[9f1c] app/models/order.rb:12:in `total'
[9f1c] app/controllers/orders_controller.rb:7:in `show'""",
        "I, [2026-03-14T09:21:07.500000 #31]  INFO -- : Completed 500",
    ],
    "letters in parentheses": [
        "(W) 14.03.2026 09:21:07 nearly full",
        "(E) 14.03.2026 09:21:07 disk full\non sda",
        "(I) 14.03.2026 09:21:08 wiped",
        "14.03.2026 09:21:09 a time comes first",
        "(E) 14.03.2026 09:21:10 disk full",
    ],
    "laravel": [
        """\
[2026-03-14 09:21:07] production.ERROR: boom {"exception":"[object] (Error(code: 0))
[stacktrace]
#0 /srv/www/app/Pay.php(31): App\\\\Pay->charge()
#1 {main}
"}""",
        "[2026-03-14 09:21:08] production.INFO: done",
    ],
    "serilog with a short clock": [
        """\
[09:21:07 ERR] Could not charge card
System.InvalidOperationException: boom
 ---> System.TimeoutException: late
   at Acme.Bank.Ask() in /src/Bank.cs:line 9
   --- End of inner exception stack trace ---
   at Acme.Orders.Pay() in /src/Orders.cs:line 31""",
        "[09:21:08 INF] next",
    ],
    "dotnet console, lower case": [
        "info: Microsoft.Hosting.Lifetime[14]\n      Now listening on: http://[::]:80",
        "warn: Acme.Orders[3]\n      slow query\n      SELECT 1",
        "fail: Acme.Orders[13]\n      boom",
    ],
    "postgres: details have headers of their own": [
        "2026-03-14 09:21:07.482 UTC [31] ERROR:  duplicate key value",
        "2026-03-14 09:21:07.482 UTC [31] DETAIL:  Key (id)=(7) already exists.",
        "2026-03-14 09:21:07.482 UTC [31] STATEMENT:  INSERT INTO orders\n"
        "\t(id, total)\n\tVALUES (7, 1)",
        "2026-03-14 09:21:08.000 UTC [32] LOG:  checkpoint starting: time",
    ],
    "rabbitmq": [
        """\
2026-03-14 09:21:07.482 [error] <0.812.0> CRASH REPORT Process <0.812.0>
** Reason for termination ==
** {badmatch,{error,closed}}

    supervisor: {local,amqp_sup}""",
        "2026-03-14 09:21:08.000 [info] <0.9.0> closing",
    ],
    "erlang reports": [
        """\
=ERROR REPORT==== 14-Mar-2026::09:21:07.482 ===
Error in process <0.91.0> with exit value:
{badarith,[{demo,run,1,[{file,"demo.erl"},{line,9}]}]}""",
        """\
=INFO REPORT==== 14-Mar-2026::09:21:08.001 ===
    application: demo
    exited: stopped""",
    ],
    "glog with a failed check": [
        """\
F20260314 09:21:07.482193 4124 raft.cc:91] Check failed: log.size() > 0 (0 vs. 0)
*** Check failure stack trace: ***
    @     0x7f1c  google::LogMessage::Fail()
    @     0x55d0  main""",
        "I20260314 09:21:09.000000 4130 raft.cc:12] starting",
    ],
    "mysql's slow log": [
        """\
# Time: 2026-03-14T09:21:07.482193Z
# User@Host: shop[shop] @  [10.0.0.7]  Id:     8
# Query_time: 12.000162  Lock_time: 0.000004 Rows_sent: 1
SET timestamp=1773480067;
SELECT sleep(12);""",
        "# Time: 2026-03-14T09:21:09.000000Z\n# Query_time: 3.0\nSELECT 1;",
    ],
    "level first": [
        'INFO:     127.0.0.1:5312 - "GET / HTTP/1.1" 200 OK',
        "ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n"
        '  File "/srv/app.py", line 3, in get\n    1 / 0\nZeroDivisionError: division',
        "INFO:     Finished server process [7]",
    ],
    "level first between timed lines": [
        "2026-03-14 09:21:07,482 INFO app: ready",
        'INFO:     127.0.0.1:5312 - "GET / HTTP/1.1" 200 OK',
        'INFO:     127.0.0.1:5313 - "GET / HTTP/1.1" 200 OK',
        "2026-03-14 09:21:07,490 INFO app: done",
    ],
    "a crash after a calm line": [
        "2026-03-14T09:21:07Z INFO relay: connecting",
        """\
thread 'main' panicked at src/main.rs:42:10:
called `Option::unwrap()` on a `None` value
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace""",
        "2026-03-14T09:21:09Z INFO relay: started",
    ],
    "a crash that was announced": [
        """\
2026/03/14 09:21:07 ERROR cannot go on
panic: cannot go on

goroutine 1 [running]:
log.Panicln({0xc000, 0x1, 0x1})
	/usr/local/go/src/log/log.go:446 +0x5a
exit status 2""",
        "2026/03/14 09:21:09 started",
    ],
    "xml in a message": [
        """\
14-Mar-2026 09:21:07.482 INFO [main] org.apache.Startup reply:
<?xml version="1.0"?>
<order>
  <id>7</id>
</order>""",
        "14-Mar-2026 09:21:08.000 WARNING [main] org.apache.Startup slow",
    ],
    "json that continues a message": [
        '2026-03-14 09:21:07,482 DEBUG app: reply:\n{\n  "id": 7\n}',
        "2026-03-14 09:21:07,490 INFO app: done",
    ],
    "one-line json between timed lines": [
        "2026-03-14 09:21:07,482 INFO app: starting",
        '{"level":"info","msg":"switched to json"}',
        '{"level":"error","msg":"boom"}',
    ],
    "colours": [
        "\x1b[2m2026-03-14T09:21:07.482Z\x1b[0m \x1b[31mERROR\x1b[0m relay: died\n"
        "\x1b[31m  cause: closed\x1b[0m",
        "\x1b[2m2026-03-14T09:21:08.000Z\x1b[0m \x1b[32m INFO\x1b[0m relay: up",
    ],
    "java.util.logging: a record begins with two lines": [
        """\
Mar 14, 2026 10:00:00 AM com.acme.App main
SEVERE: boom
java.lang.Error: y
	at a.B.c(D.java:1)""",
        "Mar 14, 2026 10:00:01 AM com.acme.App main\nINFO: fine",
    ],
    "kernel": [
        "[12345.678901] Call Trace:\n <TASK>\n dump_stack_lvl+0x45/0x5b\n </TASK>",
        "[12345.678950] ---[ end trace 0000000000000000 ]---",
    ],
}
"""Streams whose lines have headers."""

BARE: dict[str, list[str]] = {
    "plain lines": ["one", "two words", "three: with a colon", "4", "five = 5"],
    "java": [
        "starting up",
        """\
Exception in thread "main" java.lang.IllegalStateException: gateway closed
	at com.acme.Pay.charge(Pay.java:88)
	at com.acme.Main.main(Main.java:12)
Caused by: java.io.IOException: closed
	... 2 more""",
        "going down",
        "java.lang.OutOfMemoryError: Java heap space",
        "bye",
    ],
    "java, a message of several lines": [
        "connecting",
        """\
org.postgresql.util.PSQLException: ERROR: syntax error at or near "FORM"
  Position: 10
	at org.postgresql.core.v3.QueryExecutorImpl.receive(QueryExecutorImpl.java:2725)
Caused by: com.acme.Cause: first
second line of the message
	at com.acme.Main.main(Main.java:12)""",
        "going on",
    ],
    "java, a message in three lines before the stack": [
        "com.acme.QueryException: cannot read\nselect *\nfrom orders\n"
        "\tat com.acme.Db.read(Db.java:7)",
        "next",
    ],
    "an exception's name is not always followed by a stack": [
        "java.io.IOException: closed",
        "retrying",
        "connected",
        "serving",
    ],
    "python": [
        "loading",
        """\
Traceback (most recent call last):
  File "/srv/app.py", line 3, in <module>
    main()
  [Previous line repeated 996 more times]
RecursionError: maximum recursion depth exceeded""",
        "restarting",
    ],
    "python, chained": [
        """\
Traceback (most recent call last):
  File "/srv/app.py", line 3, in <module>
    rows["id"]
KeyError: 'id'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app.py", line 5, in <module>
    raise app.errors.BadRow("x")
app.errors.BadRow: x""",
        "restarting",
    ],
    "django": [
        "Not Found: /favicon.ico",
        "Internal Server Error: /orders/8/",
        """\
Internal Server Error: /orders/7/
Traceback (most recent call last):
  File "/srv/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
shop.models.Order.DoesNotExist: Order matching query does not exist.""",
        "Internal Server Error: /orders/9/",
        "served",
    ],
    "python, a syntax error": [
        "starting",
        """\
  File "/srv/app.py", line 7
    if x = 3:
       ^^^^^
SyntaxError: invalid syntax. Maybe you meant '==' or ':=' instead of '='?""",
        "starting",
    ],
    "python, a message that lists fields": [
        """\
Traceback (most recent call last):
  File "a.py", line 1, in f
pydantic_core._pydantic_core.ValidationError: 2 validation errors for Order
id
  Field required [type=missing, input_value={}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.5/v/missing
total
  Field required [type=missing, input_value={}, input_type=dict]""",
        "ready",
    ],
    "valgrind": [
        """\
==31== Invalid read of size 4
==31==    at 0x10915E: main (a.c:5)
==31==  Address 0x4a47040 is 0 bytes after a block of size 16 alloc'd""",
        "==31== HEAP SUMMARY:\n==31==     in use at exit: 0 bytes in 0 blocks",
    ],
    "python, an exception group": [
        """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app.py", line 3, in <module>
  | ExceptionGroup: two of them (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: a
    +---------------- 2 ----------------
    | TypeError: b
    +------------------------------------""",
        "restarting",
    ],
    "python, a thread": [
        """\
Exception in thread Thread-1 (run):
Traceback (most recent call last):
  File "/usr/lib/python3.12/threading.py", line 1073, in _bootstrap_inner
    self.run()
ValueError: no""",
        "main goes on",
    ],
    "python, a logging error": [
        """\
--- Logging error ---
Traceback (most recent call last):
  File "/usr/lib/python3.12/logging/__init__.py", line 1160, in emit
    msg = self.format(record)
TypeError: not all arguments converted during string formatting
Call stack:
  File "/srv/app.py", line 3, in <module>
    log.info("x", 1)
Message: 'x'
Arguments: (1,)""",
        "next",
    ],
    "python, a dying interpreter": [
        """\
Fatal Python error: Segmentation fault

Current thread 0x00007f1c (most recent call first):
  File "/srv/app.py", line 3 in <module>

Extension modules: numpy.core._multiarray_umath (total: 1)""",
        "restarting",
    ],
    "go": [
        "listening",
        """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f3a1]

goroutine 7 [running]:
main.(*Server).handle(0xc0000b4000, {0x4c, 0x1})
	/srv/main.go:31 +0x1d
created by main.main in goroutine 1
	/srv/main.go:12 +0x85

goroutine 1 [chan receive]:
main.main()
	/srv/main.go:13 +0x9a
exit status 2""",
        "listening",
    ],
    "go, a fatal error with registers": [
        """\
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [select (no cases)]:
main.main()
	/srv/main.go:4 +0x25
rax    0x0
rip    0x45f2c1""",
        "listening",
    ],
    "go, a data race": [
        """\
==================
WARNING: DATA RACE
Write at 0x00c000014108 by goroutine 7:
  main.main.func1()
      /srv/main.go:9 +0x44

Previous read at 0x00c000014108 by main goroutine:
  main.main()
      /srv/main.go:11 +0x88
==================""",
        "Found 1 data race(s)",
    ],
    "node": [
        "listening on 8080",
        """\
/srv/app/index.js:12
    throw new Error('boom');
    ^

Error: boom
    at getOrder (/srv/app/orders.js:12:19)
    at node:internal/main/run_main_module:23:47 {
  code: 'E_ORDER',
  [cause]: TypeError: x
      at y (/srv/app/y.js:1:1)
}

Node.js v20.11.0""",
        "listening on 8080",
    ],
    "node, a rejection": [
        """\
(node:31) UnhandledPromiseRejectionWarning: Error: boom
    at Object.<anonymous> (/srv/app/index.js:3:9)
    at Module._compile (node:internal/modules/cjs/loader:1256:14)""",
        "request done",
        'TypeError [ERR_INVALID_ARG_TYPE]: The "path" argument must be a string\n'
        "    at new NodeError (node:internal/errors:405:5)",
        "request done",
    ],
    "ruby": [
        "booting",
        """\
/srv/app.rb:3:in `load': no such order (RuntimeError)
	from /srv/app.rb:9:in `block in run'
	from /srv/app.rb:12:in `<main>'""",
        "booting",
    ],
    "rails without a logger": [
        """\
NoMethodError (undefined method `name' for nil:NilClass):

app/models/order.rb:12:in `total'
app/controllers/orders_controller.rb:7:in `show'""",
        "Completed 500 in 12ms",
    ],
    "dotnet": [
        "Hosting started",
        """\
Unhandled exception. System.AggregateException: One or more errors occurred. (boom)
 ---> System.InvalidOperationException: boom
   at Acme.Api.Orders.Get(Int32 id) in /src/Orders.cs:line 31
--- End of stack trace from previous location ---
   at Acme.Api.Program.Main() in /src/Program.cs:line 9
   --- End of inner exception stack trace ---""",
        "Hosting started",
    ],
    "php": [
        """\
PHP Fatal error:  Uncaught Exception: boom in /srv/www/a.php:3
Stack trace:
#0 /srv/www/index.php(9): foo()
#1 {main}

Next RuntimeException: cannot go on in /srv/www/a.php:5
Stack trace:
#0 {main}
  thrown in /srv/www/a.php on line 5""",
        "PHP Warning:  Undefined variable $x in /srv/www/a.php on line 4",
        "PHP Stack trace is not written here",
    ],
    "rust": [
        "listening",
        """\
thread 'tokio-runtime-worker' panicked at src/main.rs:42:10:
assertion `left == right` failed: totals differ
  left: 1
 right: 2
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:665:5
   1: core::panicking::panic_fmt
note: Some details are omitted, run with `RUST_BACKTRACE=full`.""",
        "listening",
    ],
    "rust, the old form": [
        "thread 'main' panicked at 'index out of bounds', src/main.rs:4:5\n"
        "note: run with `RUST_BACKTRACE=1` environment variable",
        "listening",
    ],
    "rust, anyhow": [
        """\
Error: cannot read the settings

Caused by:
    0: cannot open /etc/shop.toml
    1: No such file or directory (os error 2)

Stack backtrace:
   0: anyhow::error::<impl anyhow::Error>::new""",
        "listening",
    ],
    "dart": [
        "serving",
        """\
Unhandled exception:
FormatException: Unexpected character (at character 1)
x
^

#0      _ChunkedJsonParser.fail (dart:convert-patch/convert_patch.dart:1383:5)
#1      main (file:///srv/bin/main.dart:3:5)
<asynchronous suspension>""",
        "serving",
    ],
    "flutter": [
        """\
══╡ EXCEPTION CAUGHT BY RENDERING LIBRARY ╞═════════════════════════
The following assertion was thrown during layout:
A RenderFlex overflowed by 42 pixels on the bottom.

When the exception was thrown, this was the stack:
#0      debugPaint (package:flutter/src/rendering/flex.dart:1:1)
════════════════════════════════════════════════════════════════════""",
        "restarted",
    ],
    "c++": [
        "ready",
        """\
terminate called after throwing an instance of 'std::runtime_error'
  what():  cannot open the file
Aborted (core dumped)""",
        "ready",
    ],
    "asan": [
        "ready",
        """\
=================================================================
==4124==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010
READ of size 4 at 0x602000000010 thread T0
    #0 0x55d0 in main /src/a.cc:5:10
    #1 0x7f1c in __libc_start_main

0x602000000010 is located 0 bytes inside of 4-byte region
freed by thread T0 here:
    #0 0x55cf in operator delete(void*)

SUMMARY: AddressSanitizer: heap-use-after-free /src/a.cc:5:10 in main
Shadow bytes around the buggy address:
  0x0c047fff7fb0: 00 00 00 00
=>0x0c047fff8000: fa fa[fd]fa
Shadow byte legend (one shadow byte represents 8 application bytes):
  Addressable:           00
==4124==ABORTING""",
        "ready",
    ],
    "tsan": [
        """\
==================
WARNING: ThreadSanitizer: data race (pid=31)
  Write of size 4 at 0x55d0 by thread T1:
    #0 main::$_0 /src/a.cc:7

SUMMARY: ThreadSanitizer: data race /src/a.cc:7
==================""",
        "ready",
    ],
    "elixir": [
        "started",
        "** (ArithmeticError) bad argument in arithmetic expression\n"
        "    (demo 0.1.0) lib/demo.ex:3: Demo.run/1\n"
        "    (stdlib 4.0) erl_eval.erl:744: :erl_eval.do_apply/7",
        "started",
    ],
    "pretty json": [
        '{\n  "level": "error",\n  "at": {\n    "file": "a}"\n  }\n}',
        '{\n  "level": "info"\n}',
        '{"level":"info","msg":"on one line"}',
        "[\n  1,\n  2\n]",
        "text",
    ],
    "json and logfmt stand alone": [
        '{"level":"error","msg":"a"}',
        "	at what.is.this(No.java:1)",
        '{"level":"info","msg":"b"}',
        "level=error msg=a",
        'ts=1 caller=x.go:3 msg="b c"',
    ],
    "indented lines": ["options:\n  a: 1\n\tb: 2", "done", "next:\n  c: 3\n}"],
}
"""Streams whose lines have none."""

WRAPPED: dict[str, list[str]] = {
    "cri": [
        """\
2026-03-14T09:21:07.490193021Z stderr F 2026-03-14 09:21:07,482 ERROR x - boom
2026-03-14T09:21:07.490193022Z stderr F java.lang.Error: y
2026-03-14T09:21:07.490193023Z stderr F 	at a.B.c(D.java:1)""",
        "2026-03-14T09:21:07.490193024Z stdout F 2026-03-14 09:21:07,490 INFO ok",
        """\
2026-03-14T09:21:07.490193025Z stdout P 2026-03-14 09:21:07,491 INFO a long
2026-03-14T09:21:07.490193026Z stdout P  line in
2026-03-14T09:21:07.490193027Z stdout F  three parts""",
        '2026-03-14T09:21:07.490193028Z stdout F {"level":"info","msg":"b"}',
        '2026-03-14T09:21:07.490193029Z stdout F {"level":"info","msg":"c"}',
    ],
    "cri without headers inside": [
        "2026-03-14T09:21:07.490193021Z stdout F listening",
        """\
2026-03-14T09:21:07.490193022Z stderr F panic: boom
2026-03-14T09:21:07.490193023Z stderr F
2026-03-14T09:21:07.490193024Z stderr F goroutine 1 [running]:
2026-03-14T09:21:07.490193025Z stderr F main.main()
2026-03-14T09:21:07.490193026Z stderr F 	/srv/main.go:4 +0x25""",
        "2026-03-14T09:21:08.490193021Z stdout F listening",
    ],
    "docker": [
        r"""{"log":"[2026-03-14 09:21:07,482] ERROR \u003ca\u003e\n","stream":"stderr","time":"2026-03-14T09:21:07.49Z"}
{"log":"java.lang.Error: \"y\"\n","stream":"stderr","time":"2026-03-14T09:21:07.49Z"}
{"log":"\tat a.B.c(D.java:1)\n","stream":"stderr","time":"2026-03-14T09:21:07.49Z"}""",
        r"""{"log":"[2026-03-14 09:21:07,490] INFO ok\n","stream":"stdout","time":"2026-03-14T09:21:07.49Z"}""",
        r"""{"log":"{\"level\":\"info\",\"msg\":\"a","stream":"stdout","time":"2026-03-14T09:21:07.49Z"}
{"log":" cut line\"}\n","stream":"stdout","time":"2026-03-14T09:21:07.49Z"}""",
        r"""{"log":"{\"level\":\"info\"}\n","stream":"stdout","time":"2026-03-14T09:21:07.49Z"}""",
        r"""{"log":"{\"level\":\"warn\"}\n","stream":"stdout","time":"2026-03-14T09:21:07.49Z"}""",
    ],
    "compose": [
        "web-1  | 2026-03-14 09:21:07,482 ERROR boom\nweb-1  | java.lang.Error: y\n"
        "web-1  | \tat a.B.c(D.java:1)",
        "db-1   | 2026-03-14 09:21:07.482 UTC [1] LOG:  ready",
        "web-1  | 2026-03-14 09:21:07,490 INFO ok",
    ],
}
"""Streams in the envelopes of container runtimes."""

CASES = {**HEADED, **BARE, **WRAPPED}
