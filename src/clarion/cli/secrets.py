"""`clarion secrets`: values that `http` steps may use and nobody gets to see again."""

import re
import sys
from typing import Annotated, Final

import typer

from clarion.cli.failures import Failure
from clarion.cli.output import View, print_table, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Secrets of http steps: set, list, remove.", no_args_is_help=True)

_LINE_BREAK: Final = re.compile(rb"\r?\n\Z")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What documents call it: {{ secrets.NAME }}.")]


@app.command("set")
@with_target
def set_(target: Target, *, name: Name) -> None:
    """Set a secret. Its value is read from standard input without the line break at its end, or asked for; it is never shown again."""
    with target.connect() as instance:
        view = instance.set_secret(name, _read_value())
    target.answer(view, lambda _: typer.echo(f"{name}: is set"))


@app.command("list")
@with_target
def list_(target: Target) -> None:
    """Show the name of every secret, and when it was set."""
    with target.connect() as instance:
        views = instance.secrets()
    target.answer(views, _say_list)


@app.command("remove")
@with_target
def remove(target: Target, *, name: Name) -> None:
    """Forget a secret. Requests that need it fail from then on."""
    with target.connect() as instance:
        instance.remove_secret(name)
    target.answer({}, lambda _: typer.echo(f"{name}: is removed"))


def _say_list(views: list[View]) -> None:
    rows = [(view.get("name"), when(view.get("changed"))) for view in views]
    print_table(("name", "changed"), rows, "there is no secret — run: clarion secrets set NAME")


def _read_value() -> str:
    """The value from a pipe or a hidden prompt: an argument would stay in the shell's history and show among the processes."""
    from clarion.control.secrets import LONGEST_VALUE

    try:
        if sys.stdin.isatty():
            return str(typer.prompt("Value", hide_input=True, err=True)).encode().decode()
        # Room for a line break, and one byte more to show that there is more; an input without end is not read to its end.
        return _LINE_BREAK.sub(b"", sys.stdin.buffer.read(LONGEST_VALUE + 3)).decode()
    except UnicodeError:
        raise Failure("the value is not UTF-8 — give text") from None
