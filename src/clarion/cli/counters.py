"""`clarion workflows counters`: what happened at a workflow's versions and steps."""

from enum import StrEnum
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import print_json, print_table, when


class Period(StrEnum):
    """What counters are summed over."""

    TOTAL = "total"
    DAY = "day"
    HOUR = "hour"


def counters(
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
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Count what happened at the versions and steps of a workflow. `value`, of goals, is in the units of the events."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.counters(slug, period.value, since, until)
    if json:
        print_json(view)
        return
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
    if column == "start" and isinstance(value, int):
        return when(value)
    return value or "-" if column in ("step", "branch") else value
