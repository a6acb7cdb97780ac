"""`clarion secrets`: values that `http` steps may use and nobody gets to see again."""

import re
import sys
from typing import Annotated, Final

import typer

from clarion.cli import options
from clarion.cli.failures import Failure
from clarion.cli.output import print_json, print_table, when

app = typer.Typer(help="Secrets of http steps: set, list, remove.", no_args_is_help=True)

_LINE_BREAK: Final = re.compile(rb"\r?\n\Z")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What documents call it: {{ secrets.NAME }}.")]


@app.command("set")
def set_(
    *,
    name: Name,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Set a secret. Its value is read from standard input without the line break at its end, or asked for; it is never shown again."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.set_secret(name, _read_value())
    if json:
        print_json(view)
        return
    typer.echo(f"{name}: is set")


@app.command("list")
def list_(
    *,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Show the name of every secret, and when it was set."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        views = instance.secrets()
    if json:
        print_json(views)
        return
    rows = [(view.get("name"), _time(view.get("changed"))) for view in views]
    print_table(("name", "changed"), rows, "there is no secret — run: clarion secrets set NAME")


@app.command("remove")
def remove(
    *,
    name: Name,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Forget a secret. Requests that need it fail from then on."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        instance.remove_secret(name)
    if json:
        print_json({})
        return
    typer.echo(f"{name}: is removed")


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


def _time(value: object) -> str:
    return when(value) if isinstance(value, int) else "-"
