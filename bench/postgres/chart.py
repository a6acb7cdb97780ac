"""The chart of what an event costs on PostgreSQL: by process at rising rates, and as the database grows."""

import math
from typing import Final

from bench.postgres.results import Growth, PostgresResults, Through
from bench.postgres.verdicts import cost, growing
from bench.svg import FAINT, INK, Drawing

_PANEL: Final = 430
_HEIGHT: Final = 340
_TOP, _BOTTOM = 70, 270
_PROCESSES: Final = {"api": "#60a5fa", "engine": "#2563eb", "delivery": "#34d399", "postgres": "#f59e0b"}
_LINES: Final = ("#2563eb", "#059669", "#ea580c")
_MOST_BARS: Final = 9


def draw_postgres(results: PostgresResults) -> str:
    """The chart as SVG."""
    drawing = Drawing(2 * _PANEL, _HEIGHT, "What an event costs Clarion on PostgreSQL")
    if results.through is not None:
        _costs(drawing, results.through)
    if results.growth is not None:
        _growth(drawing, results.growth)
    return drawing.render()


def _costs(drawing: Drawing, through: Through) -> None:
    drawing.text(20, 28, "CPU of one event by process, µs", size=15, bold=True)
    drawing.text(20, 46, "by events a second; the last: many at once")
    steps = [step for step in through.split.course.steps if step.acknowledged][-_MOST_BARS + 1 :]
    bars = [(f"{step.rate:,}", {name: step.cpu[name] / step.acknowledged * 1e6 for name in _PROCESSES}) for step in steps]
    bars.append(
        (
            "at once",
            {name: 0.0 if name == "api" else through.split.burst.cpu[name] / through.split.burst.events * 1e6 for name in _PROCESSES},
        )
    )
    highest = max(sum(each.values()) for _, each in bars) or 1.0
    room = (_PANEL - 50) / len(bars)
    for number, (label, each) in enumerate(bars):
        x, y = 30 + number * room, float(_BOTTOM)
        for name, colour in _PROCESSES.items():
            height = (_BOTTOM - _TOP) * each[name] / highest
            y -= height
            drawing.bar(x, y, room * 0.7, height, colour)
        drawing.text(x + room * 0.35, y - 5, f"{sum(each.values()):,.0f}", size=10, anchor="middle")
        drawing.text(x + room * 0.35, _BOTTOM + 16, label, size=10, anchor="middle")
    for number, (name, colour) in enumerate(_PROCESSES.items()):
        drawing.bar(30 + 95 * number, _BOTTOM + 36, 10, 10, colour)
        drawing.text(45 + 95 * number, _BOTTOM + 45, "PostgreSQL" if name == "postgres" else name, size=11)


def _growth(drawing: Drawing, growth: Growth) -> None:
    left, right = _PANEL + 60, 2 * _PANEL - 30
    drawing.text(_PANEL + 20, 28, "CPU as the database grows, µs", size=15, bold=True)
    drawing.text(_PANEL + 20, 46, "engine and PostgreSQL, of one event or timer; by rows")
    lines = [(what, sizes) for what, sizes in growing(growth) if sizes]
    rows = [one.rows for _, sizes in lines for one in sizes]
    low, high = math.floor(math.log10(min(rows))), max(math.ceil(math.log10(max(rows))), math.floor(math.log10(min(rows))) + 1)
    highest = max(cost(one.applied) for _, sizes in lines for one in sizes) * 1e6

    def x(count: int) -> float:
        return left + (right - left) * (math.log10(count) - low) / (high - low)

    def y(micros: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * micros / highest

    for share in (0, 0.5, 1):
        drawing.line([(left, y(share * highest)), (right, y(share * highest))], FAINT)
        drawing.text(left - 8, y(share * highest) + 4, f"{share * highest:,.0f}", anchor="end")
    for power in range(low, high + 1):
        drawing.line([(x(10**power), _BOTTOM), (x(10**power), _BOTTOM + 4)], INK)
        drawing.text(x(10**power), _BOTTOM + 18, f"{10**power:,}", size=10, anchor="middle")
    for number, ((what, sizes), colour) in enumerate(zip(lines, _LINES, strict=True)):
        points = [(x(one.rows), y(cost(one.applied) * 1e6)) for one in sizes]
        drawing.line(points, colour, 2)
        for point in points:
            drawing.dot(*point, colour, filled=True)
        drawing.dot(left, _BOTTOM + 32 + 15 * number, colour, filled=True)
        drawing.text(left + 10, _BOTTOM + 36 + 15 * number, what, size=11)
