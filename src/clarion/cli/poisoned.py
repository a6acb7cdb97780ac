"""`clarion poisoned`: inputs that could not be applied and were set aside."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import plain, print_json, print_table, when

app = typer.Typer(help="Inputs that could not be applied: list, retry, discard.", no_args_is_help=True)

InputId = Annotated[str, typer.Argument(metavar="ID", help="Id of the input, as `poisoned list` shows it.")]


@app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Show what was set aside and why, newest first. With --json, each with its content."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        views = instance.poisoned(limit)
    if json:
        print_json(views)
        return
    rows = [(view.get("id"), view.get("kind"), _time(view.get("at")), view.get("error")) for view in views]
    print_table(("id", "kind", "at", "error"), rows, "nothing is set aside")


@app.command("retry")
def retry(
    *,
    id: InputId,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Have an input applied again; what cannot be applied this time either is set aside again."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.retry_poisoned(id)
    if json:
        print_json(view)
        return
    typer.echo(plain(f"{view.get('id')}: the {view.get('kind')} is tried again"))


@app.command("discard")
def discard(
    *,
    id: InputId,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Give an input up for good. A run whose timer is discarded waits until it is stopped or moved."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.discard_poisoned(id)
    if json:
        print_json(view)
        return
    typer.echo(plain(f"{view.get('id')}: the {view.get('kind')} is discarded"))


def _time(value: object) -> str:
    return when(value) if isinstance(value, int) else "-"
