"""`clarion serve`: run the server."""

import errno
from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import Failure, WrongUsage
from clarion.cli.invocation import data_option, invoked
from clarion.control.names import PLACEHOLDER_SUBJECT

_CANNOT_LISTEN = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})


def serve(
    data: options.Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one. [default: 8080]", show_default=False)
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Do first what `clarion init` does, if the data directory is fresh.")] = False,
    roles: Annotated[
        str | None,
        typer.Option(
            metavar="ROLES", help="What this process does; on SQLite always all. [default: api,engine,delivery]", show_default=False
        ),
    ] = None,
) -> None:
    """Take events, run workflows and send what they want sent, until SIGTERM or SIGINT."""
    import asyncio
    import os
    import socket

    import uvloop

    from clarion.config import ROLES, data_directory, load_settings
    from clarion.stores import is_made

    flags = {"host": host, "port": port, "roles": None if roles is None else _read_roles(roles)}
    settings = load_settings(data_directory(data, os.environ), flags=flags)
    if settings.roles != ROLES and not settings.is_shared:
        raise WrongUsage("roles cannot be split on SQLite, where one process does everything — leave --roles out")
    place = settings.data if settings.database is None else settings.database.parent
    if place.is_dir() and not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        raise Failure(f"{place} cannot be written by this user — run as its owner, or choose another with --data")
    key = None
    if init:
        from clarion.cli.setup import prepare

        key = prepare(settings, "default", PLACEHOLDER_SUBJECT).key
    elif not is_made(settings):
        from clarion.cli.local import nothing_made

        raise nothing_made(settings, "run: clarion init, or add --init")
    if set(settings.roles) != {"engine"}:  # engines open no secrets
        from clarion.cli.master_key import require_master_key

        require_master_key(settings)
    from clarion.node import serve as run_node

    def ready(host: str, port: int) -> None:
        typer.echo(welcome(host, port, settings.data, key, explain=init))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run_node(settings, ready))
        except (socket.gaierror, UnicodeError):
            advice = "give an address of this machine with --host, such as 127.0.0.1, or 0.0.0.0 for all of them"
            raise Failure(f"cannot listen on {settings.host}: it is no address and no name of a host — {advice}") from None
        except OSError as error:
            if error.errno not in _CANNOT_LISTEN:
                raise
            where = f"{settings.host}:{settings.port}"
            raise Failure(f"cannot listen on {where}: {os.strerror(error.errno)} — choose another with --host or --port") from None


def welcome(host: str, port: int, data: Path, key: str | None, *, explain: bool) -> str:
    """What is said once the server listens; with `explain`, an event to paste, with the key if it was made just now."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared, not bound
    url = f"http://{shown}:{port}"
    clarion, where = invoked(), data_option(data)
    lines = [f"Clarion is listening on {url}"]
    if explain and key is not None:
        lines += ["", "Your API key, shown only this once:", "", f"  {key}"]
    elif explain:
        lines += ["", f"API keys are shown once, when they are made. For a new one: {clarion} keys create{where} --name NAME"]
    if explain:
        lines += [
            "",
            "Send an event:",
            "",
            f"  curl -X POST {url}/api/v1/events \\",
            f"    -H 'Api-Key: {key or 'YOUR_API_KEY'}' -H 'Content-Type: application/json' \\",
            """    -d '{"event_name":"add_to_cart","profile_id":"user-1","data":{"product_name":"Running Shoes","price":99.99}}'""",
            "",
            "See what it did, and why:",
            "",
            f"  {clarion} profiles show user-1{where}",
            f"  {clarion} explain --profile user-1 --workflow welcome{where}",
        ]
    return "\n".join(lines)


def _read_roles(roles: str) -> list[str]:
    from clarion.config import ROLES

    given = [role.strip() for role in roles.split(",")]
    unknown = sorted(set(given) - set(ROLES))
    if unknown:
        raise WrongUsage(f"unknown role {unknown[0] or '(empty)'} — the roles are {', '.join(sorted(ROLES))}")
    return given
