"""The picture of a backtest: real pixels, bounded memory."""

from __future__ import annotations

import struct
import zlib

from alerting.burst import BurstRule
from alerting.engine import Engine
from alerting.incident import Policy
from tests.alerting.story import START, Frames, pane
from tests.tocsin.cli.test_incidents import incident
from tocsin.app.backtest.canvas import Canvas, Colour
from tocsin.app.backtest.labels import Labels, Span
from tocsin.app.backtest.plot import draw
from tocsin.app.backtest.rates import Rates, Step

RED, BLACK, WHITE = Colour(255, 0, 0), Colour(0, 0, 0), (255, 255, 255)


def pixels(canvas: Canvas) -> list[list[tuple[int, int, int]]]:
    """What a viewer would see: the PNG decoded, independently of the canvas."""
    data = canvas.png()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        part = data[at + 8 : at + 8 + length]
        check = struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        assert zlib.crc32(kind + part) == check
        if kind == b"IHDR":
            size = struct.unpack(">II", part[:8])
        body += part if kind == b"IDAT" else b""
        at += 12 + length
    raw, (width, height) = zlib.decompress(body), size
    rows = [raw[y * (width * 3 + 1) + 1 :][: width * 3] for y in range(height)]
    return [
        [(row[3 * x], row[3 * x + 1], row[3 * x + 2]) for x in range(width)]
        for row in rows
    ]


def test_a_box_is_drawn_where_it_belongs_and_clipped() -> None:
    canvas = Canvas(4, 3)
    canvas.box(1, 1, 3, 2, RED)
    canvas.box(3, 2, 99, 99, BLACK, opacity=0.5)

    seen = pixels(canvas)

    assert seen[1] == [WHITE, RED, RED, WHITE]
    assert seen[0] == [WHITE] * 4
    assert seen[2][3] == (127, 127, 127)


def test_a_letter_has_its_shape() -> None:
    canvas = Canvas(6, 8)
    canvas.text(0, 0, "L", BLACK)

    shape = ["".join(".#"[x != WHITE] for x in row) for row in pixels(canvas)]

    assert shape == ["#....."] * 6 + ["#####.", "......"]


def test_an_incident_is_seen_in_the_panel_of_its_service() -> None:
    engine, frames, rates = Engine(BurstRule(), Policy()), Frames(), Rates()
    for at in range(600):
        errors = 30 * (at == 400)
        frame = frames.next(
            START + at + 1, [pane(START + at, errors, lines=errors + 5)]
        )
        engine.take(frame, START + at + 1)
        rates.take(frame, engine)

    quiet = draw(rates, [], first=START, last=START + 600)
    told = draw(
        rates, [incident("checkout", START + 450)], first=START, last=START + 600
    )

    def reds(canvas: Canvas) -> int:
        below_legend = pixels(canvas)[40:]
        return sum(r > 200 and g < 60 for row in below_legend for r, g, _ in row)

    assert reds(quiet) == 0
    assert reds(told) > 100


def test_a_long_history_is_drawn_in_longer_steps() -> None:
    engine, frames, rates = Engine(BurstRule(), Policy()), Frames(), Rates()
    for at in range(5000):
        rates.take(frames.next(START + at, [pane(START + at, at == 77)]), engine)

    assert rates.step_s == 4
    steps = rates.services["checkout"]
    assert len(steps) <= 2048
    assert sum(x.errors for x in steps.values()) == 1


def test_known_trouble_is_marked_below_the_errors() -> None:
    rates = Rates(services={"checkout": {START: Step(3, 0.1)}})
    known = {"checkout": [Span(START + 100, START + 200, "outage")]}

    def greens(labels: Labels) -> int:
        canvas = draw(rates, [], first=START, last=START + 600, labels=labels)
        below_legend = pixels(canvas)[40:]
        return sum(g > 140 and r < 60 for row in below_legend for r, g, _ in row)

    assert greens({}) == 0
    assert greens(known) > 100
