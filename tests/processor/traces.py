"""Stack traces of many languages, and the faults that they are."""

from __future__ import annotations

from typing import NamedTuple


class Trace(NamedTuple):
    """A multi-line message, and the text of its template."""

    text: str
    fault: str


TRACES: dict[str, Trace] = {
    "java": Trace(
        "charge failed\n"
        "java.lang.IllegalStateException: gateway closed\n"
        "\tat java.base/java.util.Optional.orElseThrow(Optional.java:88)\n"
        "\tat com.acme.Pay.charge(Pay.java:88)\n"
        "\tat org.springframework.web.Servlet.service(Servlet.java:44)\n"
        "\tat com.acme.Main.lambda$main$3(Main.java:12)\n"
        "Caused by: java.net.SocketTimeoutException: Read timed out\n"
        "\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:288)\n"
        "\t... 14 more",
        "IllegalStateException: gateway closed (SocketTimeoutException)"
        " at com.acme.Pay.charge < com.acme.Main.lambda$main",
    ),
    "python": Trace(
        "job failed\n"
        "Traceback (most recent call last):\n"
        '  File "/srv/app/rows.py", line 12, in read\n'
        "    return rows[key]\n"
        "KeyError: 7\n"
        "\n"
        "During handling of the above exception, another exception occurred:\n"
        "\n"
        "Traceback (most recent call last):\n"
        '  File "/srv/app/worker.py", line 31, in run\n'
        "    self.step()\n"
        '  File "/srv/app/worker.py", line 44, in step\n'
        "    raise BadRow(7)\n"
        '  File "/usr/lib/python3.12/site-packages/lib/core.py", line 88, in check\n'
        "    raise BadRow(key)\n"
        "app.errors.BadRow: row 7 is bad",
        "BadRow: row <*> is bad (KeyError) at worker.py step < worker.py run",
    ),
    "go": Trace(
        "http: panic serving 10.0.0.7:53211: boom 12\n"
        "goroutine 12 [running]:\n"
        "net/http.(*conn).serve.func1()\n"
        "\t/usr/local/go/src/net/http/server.go:1868 +0xb0\n"
        "panic({0x1033?, 0x103b?})\n"
        "\t/usr/local/go/src/runtime/panic.go:920 +0x26c\n"
        "github.com/acme/shop.(*Orders).Get(0xc000012, {0x7, 0x8})\n"
        "\t/srv/orders.go:31 +0x1d\n"
        "main.handler(...)\n"
        "\t/srv/main.go:17\n"
        "created by net/http.(*Server).Serve in goroutine 1\n"
        "\t/usr/local/go/src/net/http/server.go:3086 +0x4cc",
        "panic: boom <*> at github.com/acme/shop.(*Orders).Get < main.handler",
    ),
    "node": Trace(
        "request failed TypeError: Cannot read properties of undefined (reading 'id')\n"
        "    at getOrder (/srv/app/orders.js:12:19)\n"
        "    at /srv/app/node_modules/express/lib/router.js:44:3\n"
        "    at process.processTicksAndRejections (node:internal/process/q:95:5) {\n"
        "  code: 'E_ORDER'\n"
        "}",
        "TypeError: Cannot read properties of undefined (reading <*>)"
        " at orders.js getOrder",
    ),
    "ruby": Trace(
        "NoMethodError (undefined method `name' for nil):\n"
        "\n"
        "/usr/lib/ruby/gems/rack/handler.rb:88:in `call'\n"
        "app/controllers/orders_controller.rb:12:in `show'",
        "NoMethodError: undefined method <*> for nil at orders_controller.rb show",
    ),
    "dotnet": Trace(
        "An unhandled exception was thrown.\n"
        "System.InvalidOperationException: no order 12"
        " ---> System.TimeoutException: late\n"
        "   at System.Linq.Enumerable.First[T](IEnumerable`1 all)\n"
        "   at Acme.Api.Orders.Get(Int32 id) in /src/Orders.cs:line 31\n"
        "   --- End of inner exception stack trace ---",
        "InvalidOperationException: no order <*> (TimeoutException)"
        " at Acme.Api.Orders.Get",
    ),
    "php": Trace(
        "PHP Fatal error:  Uncaught RuntimeException: boom in /srv/app/index.php:12\n"
        "Stack trace:\n"
        "#0 /srv/vendor/x/lib.php(88): Lib->call()\n"
        "#1 /srv/app/index.php(44): Shop\\Orders->load(7)\n"
        "#2 {main}\n"
        "  thrown in /srv/app/index.php on line 12",
        "RuntimeException: boom in <*> at index.php Shop\\Orders->load",
    ),
    "rust": Trace(
        "thread 'main' panicked at src/main.rs:12:5:\n"
        "index out of bounds: the len is 3 but the index is 31\n"
        "stack backtrace:\n"
        "   0: rust_begin_unwind\n"
        "             at /rustc/9fc6b4/library/std/src/panicking.rs:645:5\n"
        "   1: core::panicking::panic_fmt\n"
        "   2: shop::orders::get\n"
        "             at ./src/main.rs:12:5\n"
        "   3: shop::main",
        "panicked: <*>: index out of bounds: the len is <*> but the index is <*>"
        " at shop::orders::get < shop::main",
    ),
    "dart": Trace(
        "Unhandled exception:\n"
        "FormatException: Invalid number 12\n"
        "#0      int._throw (dart:core-patch/integers.dart:88:5)\n"
        "#1      Orders.get (package:shop/orders.dart:31:9)\n"
        "#2      main (file:///srv/bin/main.dart:12:3)",
        "FormatException: Invalid number <*> at Orders.get < main.dart main",
    ),
    "c++": Trace(
        "==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x6020\n"
        "READ of size 4 at 0x6020 thread T0\n"
        "    #0 0x55d1 in orders_get /src/orders.cc:31:7\n"
        "    #1 0x55d2 in main /src/main.cc:12\n"
        "    #2 0x7f00 in __libc_start_main /lib/libc.so.6",
        "AddressSanitizer: heap-use-after-free at orders.cc orders_get < main.cc main",
    ),
}
