"""`clarion workflows pause|resume|drain|activate|archive`: a workflow from one status to another."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View
from clarion.cli.target import Target, with_target

SkipOlderThan = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Do not send pushes that a pause held for longer. [default: 24h]", show_default=False),
]


@with_target
def pause(target: Target, *, slug: options.Slug) -> None:
    """Hold an active workflow: nothing starts, no run goes on, nothing is sent."""
    _change(target, slug, "pause")


@with_target
def resume(target: Target, *, slug: options.Slug, skip_older_than: SkipOlderThan = None) -> None:
    """Let a paused workflow go on."""
    _change(target, slug, "resume", skip_older_than)


@with_target
def drain(target: Target, *, slug: options.Slug, skip_older_than: SkipOlderThan = None) -> None:
    """Start nothing more in an active or paused workflow; its runs in flight finish."""
    _change(target, slug, "drain", skip_older_than)


@with_target
def activate(target: Target, *, slug: options.Slug) -> None:
    """Let a draining workflow start runs again."""
    _change(target, slug, "activate")


@with_target
def archive(target: Target, *, slug: options.Slug) -> None:
    """End a workflow: nothing starts, and runs in flight exit. Publishing makes it active again."""
    _change(target, slug, "archive")


def _change(target: Target, slug: str, change: str, skip_older_than: str | None = None) -> None:
    with target.connect() as instance:
        view = instance.change_workflow(slug, change, skip_older_than)
    target.answer(view, _say)


def _say(view: View) -> None:
    typer.echo(f"{view.get('workflow')}: {view.get('status')}")
