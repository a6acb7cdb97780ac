"""`clarion poisoned`: inputs that could not be applied and were set aside."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Inputs that could not be applied: list, retry, discard.", no_args_is_help=True)

InputId = Annotated[str, typer.Argument(metavar="ID", help="Id of the input, as `poisoned list` shows it.")]


@app.command("list")
@with_target
def list_(target: Target, *, limit: options.Limit = 20) -> None:
    """Show what was set aside and why, newest first. With --json, each with its content."""
    with target.connect() as instance:
        views = instance.poisoned(limit)
    target.answer(views, _say_list)


@app.command("retry")
@with_target
def retry(target: Target, *, id: InputId) -> None:
    """Have an input applied again; what cannot be applied this time either is set aside again."""
    with target.connect() as instance:
        view = instance.retry_poisoned(id)
    target.answer(view, lambda view: _say(view, "tried again"))


@app.command("discard")
@with_target
def discard(target: Target, *, id: InputId) -> None:
    """Give an input up for good. A run whose timer is discarded waits until it is stopped or moved."""
    with target.connect() as instance:
        view = instance.discard_poisoned(id)
    target.answer(view, lambda view: _say(view, "discarded"))


def _say_list(views: list[View]) -> None:
    rows = [(view.get("id"), view.get("kind"), when(view.get("at")), view.get("error")) for view in views]
    print_table(("id", "kind", "at", "error"), rows, "nothing is set aside")


def _say(view: View, done: str) -> None:
    typer.echo(plain(f"{view.get('id')}: the {view.get('kind')} is {done}"))
