"""The chart of the engine by itself: what an event costs with more and more workflows, and where the time goes."""

from typing import Final

from bench.engine_results import Events, Profile
from bench.percentiles import median
from bench.results import Results
from bench.sampler import STAGES
from bench.svg import Drawing

_PANEL: Final = 430
_HEIGHT: Final = 380
_TOP: Final = 70
_BAR: Final = 22
_LISTENED: Final = "#2563eb"
_UNHEARD: Final = "#9ca3af"
_COLOURS: Final = ("#93c5fd", "#60a5fa", "#f59e0b", "#fcd34d", "#a78bfa", "#34d399", "#059669", "#065f46", "#fca5a5", "#d1d5db")
"""By stage."""


def draw_engine(results: Results) -> str:
    """The chart as SVG."""
    drawing = Drawing(2 * _PANEL, _HEIGHT, "Clarion's engine by itself")
    if results.events is not None:
        _costs(drawing, results.events)
    if results.profile is not None:
        _stages(drawing, results.profile)
    return drawing.render()


def _costs(drawing: Drawing, events: Events) -> None:
    drawing.text(20, 28, "What an event costs the engine, µs", size=15, bold=True)
    drawing.text(20, 46, "by active workflows; flat in those that do not listen")
    cases = [case for case in events.cases if case.listening <= 1]
    longest = max(median(case.seconds) for case in cases)
    y, before = float(_TOP), None
    for case in cases:
        if case.listening != before:
            before = case.listening
            drawing.text(20, y + 14, "one of them listens" if before else "nobody listens", bold=True)
            y += 24
        width = 260 * median(case.seconds) / longest
        drawing.text(90, y + 15, f"{case.workflows:,}", anchor="end")
        drawing.bar(98, y, width, _BAR, _LISTENED if case.listening else _UNHEARD)
        drawing.text(104 + width, y + 15, f"{median(case.seconds) * 1e6:.1f}")
        y += _BAR + 8


def _stages(drawing: Drawing, profile: Profile) -> None:
    left, room = _PANEL + 20, _PANEL - 100
    drawing.text(left, 28, "Where the engine's time goes, µs", size=15, bold=True)
    drawing.text(left, 46, "of one event, or of one timer")
    longest = max(case.micros for case in profile.cases)
    y = float(_TOP)
    for case in profile.cases:
        drawing.text(left, y + 10, case.name.replace("`", ""))
        x = float(left)
        for stage, colour in zip(STAGES, _COLOURS, strict=True):
            width = room * case.stages.get(stage, 0.0) * case.micros / longest
            if width:
                drawing.bar(x, y + 16, width, _BAR, colour)
            x += width
        drawing.text(x + 6, y + 31, f"{case.micros:.1f}")
        y += 50
    y += 10
    for number, (stage, colour) in enumerate(zip(STAGES, _COLOURS, strict=True)):
        column, row = number % 2, number // 2
        drawing.bar(left + 205 * column, y + 18 * row, 10, 10, colour)
        drawing.text(left + 16 + 205 * column, y + 9 + 18 * row, stage, size=10)
