"""The chart of a report: requests accepted a second beside the floors, and latency against rate."""

import math
from typing import Final

from bench.results import Results
from bench.server_results import Accept, EndToEnd
from bench.svg import FAINT, INK, Drawing
from bench.verdicts import middle

_PANEL: Final = 430
_HEIGHT: Final = 320
_TOP, _BOTTOM = 60, 270
_CLARION: Final = "#2563eb"
_OTHERS: Final = "#9ca3af"
_TAIL: Final = "#ea580c"


def draw(results: Results) -> str:
    """The chart as SVG."""
    drawing = Drawing(2 * _PANEL, _HEIGHT, "Clarion's benchmarks")
    if results.accept is not None:
        _bars(drawing, results.accept)
    if results.end_to_end is not None:
        _curves(drawing, results.end_to_end)
    return drawing.render()


def _bars(drawing: Drawing, accept: Accept) -> None:
    drawing.text(20, 28, "Requests answered a second", size=15, bold=True)
    drawing.text(20, 46, "one event each; nginx stores nothing, bare checks nothing")
    rows = [("nginx", middle(accept.nginx)), ("bare", middle(accept.bare)), ("Clarion", middle(accept.clarion))]
    longest = max(rate for _, rate in rows)
    for number, (name, rate) in enumerate(rows):
        y = _TOP + 20 + number * 65
        width = 270 * rate / longest if longest else 0.0
        drawing.text(20, y + 24, name)
        drawing.bar(70, y, width, 36, _CLARION if name == "Clarion" else _OTHERS)
        drawing.text(76 + width, y + 23, f"{rate:,.0f}")


def _curves(drawing: Drawing, measured: EndToEnd) -> None:
    left, right = _PANEL + 60, 2 * _PANEL - 30
    drawing.text(_PANEL + 20, 28, "Event in to request out, ms", size=15, bold=True)
    drawing.text(_PANEL + 20, 46, "by events a second; hollow: not sustained")
    most_rate = max(step.rate for step in measured.steps)
    latencies = [latency for step in measured.steps for latency in (step.p50, step.p99) if latency > 0] or [1.0]
    low, high = math.floor(math.log10(min(latencies))), math.ceil(math.log10(max(latencies)))
    high = max(high, low + 1)

    def x(rate: int) -> float:
        return left + (right - left) * rate / most_rate

    def y(latency: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * (math.log10(max(latency, 10**low)) - low) / (high - low)

    for power in range(low, high + 1):
        drawing.line([(left, y(10**power)), (right, y(10**power))], FAINT)
        drawing.text(left - 8, y(10**power) + 4, f"{10**power:,g}", anchor="end")
    for step in measured.steps:
        drawing.line([(x(step.rate), _BOTTOM), (x(step.rate), _BOTTOM + 4)], INK)
    for step in measured.steps[:: -(len(measured.steps) // -6)]:
        drawing.text(x(step.rate), _BOTTOM + 20, f"{step.rate:,}", anchor="middle")
    for number, (name, colour) in enumerate((("p50", _CLARION), ("p99", _TAIL))):
        points = [(x(step.rate), y(step.p50 if name == "p50" else step.p99)) for step in measured.steps]
        drawing.line(points, colour, 2)
        for point, step in zip(points, measured.steps, strict=True):
            drawing.dot(*point, colour, filled=step.sustained)
        drawing.dot(left + 60 * number, _BOTTOM + 38, colour, filled=True)
        drawing.text(left + 60 * number + 8, _BOTTOM + 42, name)
