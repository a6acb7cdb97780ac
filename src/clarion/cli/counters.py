"""`clarion workflows counters`: what happened at a workflow's versions and steps."""

from enum import StrEnum
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View, print_table, when
from clarion.cli.target import Target, with_target


class Period(StrEnum):
    """What counters are summed over."""

    TOTAL = "total"
    DAY = "day"
    HOUR = "hour"


@with_target
def counters(
    target: Target,
    *,
    slug: options.Slug,
    period: Annotated[Period, typer.Option(help="By day, by hour, or all of it.")] = Period.TOTAL,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Start of the range, ISO 8601, UTC without an offset. [default: a day back for hours, 30 days for days]",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="End of the range, ISO 8601. [default: now]", show_default=False)
    ] = None,
) -> None:
    """Count what happened at the versions and steps of a workflow. `value`, of goals, is in the units of the events."""
    with target.connect() as instance:
        view = instance.counters(slug, period.value, since, until)
    target.answer(view, lambda view: _say(view, period))


def _say(view: View, period: Period) -> None:
    columns = (
        ("version", "step", "name", "branch", "count")
        if period is Period.TOTAL
        else ("start", "version", "step", "name", "branch", "count")
    )
    rows = [[_shown(column, row.get(column)) for column in columns] for row in view.get("counters", [])]
    print_table(columns, rows, "nothing has been counted")
    if view.get("complete") is False:
        typer.echo("there is more: counters of older versions are left out")


def _shown(column: str, value: object) -> object:
    if column == "start":
        return when(value)
    return value or "-" if column in ("step", "branch") else value
