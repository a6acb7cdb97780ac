"""`clarion workflows pause|resume|drain|activate|archive`: a workflow from one status to another."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import print_json

SkipOlderThan = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Do not send pushes that a pause held for longer. [default: 24h]", show_default=False),
]


def pause(
    *,
    slug: options.Slug,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Hold an active workflow: nothing starts, no run goes on, nothing is sent."""
    _change(slug, "pause", None, data, site, server, key, json=json)


def resume(
    *,
    slug: options.Slug,
    skip_older_than: SkipOlderThan = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Let a paused workflow go on."""
    _change(slug, "resume", skip_older_than, data, site, server, key, json=json)


def drain(
    *,
    slug: options.Slug,
    skip_older_than: SkipOlderThan = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Start nothing more in an active or paused workflow; its runs in flight finish."""
    _change(slug, "drain", skip_older_than, data, site, server, key, json=json)


def activate(
    *,
    slug: options.Slug,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Let a draining workflow start runs again."""
    _change(slug, "activate", None, data, site, server, key, json=json)


def archive(
    *,
    slug: options.Slug,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """End a workflow: nothing starts, and runs in flight exit. Publishing makes it active again."""
    _change(slug, "archive", None, data, site, server, key, json=json)


def _change(
    slug: str,
    change: str,
    skip_older_than: str | None,
    data: Path | None,
    site: str | None,
    server: str | None,
    key: str | None,
    *,
    json: bool,
) -> None:
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.change_workflow(slug, change, skip_older_than)
    if json:
        print_json(view)
        return
    typer.echo(f"{view.get('workflow')}: {view.get('status')}")
