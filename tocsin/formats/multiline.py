r"""Lines into events: which lines of a stream belong together. Pure; bytes in and out.

    events = split(data, habit, limits)

`data` begins where an event begins; what comes back are the events in it that are
surely over, and how many bytes they take. The event that is still open is not given
out: read on, and hand it in once more from its first byte, together with what follows
and the returned `habit`. So nothing is carried between two calls (or over a restart)
but the position and the `Habit`, two numbers and a flag that live in the checkpoint,
and the answer does not depend on the chunks. When it was waited for long enough
(`wait`), or the stream is at its end, `final=True` gives out the open event as it is.
A whole file is `split(data, final=True)`, or in parts of more than `2 * max_bytes`.

What belongs together:

- A line with a header begins an event (`startlines`); what follows without one belongs
  to it. One-line JSON and logfmt stand alone.
- Without headers, lines are events of their own, but for indented lines, closing
  brackets, and stack traces (`traces`). Pretty-printed JSON lasts until its last brace.
- Envelopes of CRI, Docker and Compose stay in the bytes; what they contain counts. A
  line that the runtime cut goes on in the next one.
- An event has `max_lines` lines and `max_bytes` bytes at most; its rest is an event.
- A stream in which lines are joined for no better reason than that they have no header,
  twenty times as many as there are headers, is not one whose lines have headers.

Invariants: events, each with a newline after it, tile `data[:size]`. An event of more
than one line is no longer than `max_bytes`. A line over that stands alone.
"""

from __future__ import annotations

from tocsin.formats.habit import Events, Habit, Limits, Rest, Wait
from tocsin.formats.shapes import Shape, bare_shapes, wrapped_shapes
from tocsin.formats.startlines import Start, is_grave
from tocsin.formats.walk import Walk
from tocsin.formats.wrapping import is_wrapped

__all__ = ["Events", "Habit", "Limits", "Rest", "Wait", "after_long_line", "split"]


def split(
    data: bytes,
    habit: Habit = Habit(),  # noqa: B008 - immutable
    limits: Limits = Limits(),  # noqa: B008 - immutable
    *,
    final: bool = False,
) -> Events:
    """The events in `data` that are over; all of them if `final`.

    What follows the last newline is no line yet and stays out, `final` or not.
    """
    end = data.rfind(b"\n")
    if end < 0:
        return Events([], 0, habit, Wait.NOT)
    lines = data.split(b"\n")
    lines.pop()
    is_over = final or len(data) - end > limits.max_bytes
    wrapped = habit.wrapped
    if wrapped is None:
        wrapped = is_wrapped(lines[0])
    shape = None if wrapped is None else _shape_of(data, wrapped=wrapped)
    if shape is None or not _is_usual(shape, data, end, habit, len(lines)):
        walk = Walk(lines, shape, habit, limits)
        return walk.run(is_over=is_over, final=final)
    # Every line begins an event.
    last, wait, rest = lines[-1], Wait.NOT, Rest.NONE
    if shape.start is not Start.WHOLE and len(last) < limits.max_bytes:
        if final:
            rest = Rest.HEADLESS if shape.start is Start.NO else Rest.HEADED
        elif not is_over:
            end -= len(lines.pop()) + 1
            wait = Wait.LONG if is_grave(last) else Wait.SHORT
    count = len(lines)
    if count:
        habit = habit._replace(wrapped=wrapped).after(count, rest)
    return Events(lines, end + 1, habit, wait, count)


def after_long_line(habit: Habit) -> Habit:
    """The habit after a line over `max_bytes`, which stands alone."""
    return habit.after(1)


def _shape_of(data: bytes, *, wrapped: bool) -> Shape | None:
    shapes = wrapped_shapes() if wrapped else bare_shapes()
    return next((shape for shape in shapes if shape.line.match(data)), None)


def _is_usual(shape: Shape, data: bytes, end: int, habit: Habit, count: int) -> bool:
    """Whether all lines are of one shape, and each begins an event."""
    may_join = habit.rest is Rest.HEADED or habit.credit <= 0
    if shape.start is Start.NO and may_join:
        return False
    if shape.alarm is not None and shape.alarm.search(data, 0, end) is not None:
        return False
    stem = b"\n" + data[: shape.stem_bytes] if shape.stem_bytes else shape.seam
    if stem and data.count(stem, 0, end) == count - 1:
        return not shape.seam or data.endswith(b"}\n", 0, end + 1)
    return shape.breach.search(data, 0, end) is None
