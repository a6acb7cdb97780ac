"""Options that many commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clarion.cli.invocation import data_option, remember


def _remembered(parameter: typer.CallbackParam, value: object) -> object:
    if value is not None:
        remember(parameter.opts[0], str(value))
    return value


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data directory. [default: $CLARION_DATA, else ./data]",
        show_default=False,
        callback=_remembered,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
SiteName = Annotated[
    str | None,
    typer.Option("--site", metavar="SITE", help="Id, app id or name of the site; needed when there are several.", callback=_remembered),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Act on the server at this URL over HTTP, not on a local data directory.", callback=_remembered
    ),
]
Key = Annotated[str | None, typer.Option("--key", metavar="KEY", envvar="CLARION_API_KEY", show_envvar=True, help="API key for --server.")]
VapidSubject = Annotated[str, typer.Option(metavar="URI", help="mailto: or https: URI where push services can reach you (RFC 8292).")]


class RunsInFlight(StrEnum):
    """What publishing means to runs in flight."""

    KEEP = "keep"
    MOVE = "move"
    END = "end"


Runs = Annotated[
    RunsInFlight,
    typer.Option(
        "--runs", help="Runs in flight: keep lets them finish on their version, move lets them go on in the new one, end ends them."
    ),
]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The workflow.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]
SiteTimezone = Annotated[str, typer.Option(help="IANA time zone of the site.")]


def own_subject(data: Path, site: object) -> str:
    """The command that gives the site of an id a VAPID subject of its own."""
    return f"clarion sites set {site}{data_option(data)} --vapid-subject mailto:YOU@YOUR-DOMAIN"
