"""`clarion workflows`: documents checked, published, shown, paused."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import FAILED
from clarion.cli.output import View, plain, print_json, print_table, when

app = typer.Typer(help="Workflows: validate, apply, list, show, pause, resume, schema.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Documents, YAML or JSON; - is standard input.")]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The workflow.")]


@app.command("validate")
def validate(files: Files, json: options.Json = False) -> None:
    """Check documents without publishing them. Exits with 1 if one is not valid."""
    from clarion.cli.documents import judge

    judged = [judge(file) for file in files]
    if json:
        print_json([one.view() for one in judged])
    else:
        for one in judged:
            if one.workflow is not None:
                typer.echo(f"{one.file}: valid ({one.workflow})")
            one.complain()
    if any(one.problems for one in judged):
        raise typer.Exit(FAILED)


@app.command("apply")
def apply(
    *,
    files: Files,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Publish documents. All are checked before the first is published; one that says what its workflow says already changes nothing."""
    from clarion.cli.documents import judge
    from clarion.cli.instance import connect

    judged = [judge(file) for file in files]
    if any(one.problems for one in judged):
        for one in judged:
            one.complain()
        raise typer.Exit(FAILED)
    with connect(data, server, key, site) as instance:
        published = []
        for one in judged:
            view = instance.publish(one.text)
            published.append(view)
            if not json:
                typer.echo(f"{view.get('workflow')}: version {view.get('version')} {_became(view)}")
    if json:
        print_json(published)


@app.command("list")
def list_(
    *,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Show every workflow with its version and status."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        views = instance.workflows()
    if json:
        print_json(views)
        return
    columns = ("workflow", "name", "version", "status")
    rows = [[view.get(column) for column in columns] + [_time(view.get("changed"))] for view in views]
    print_table((*columns, "changed"), rows, "there is no workflow — run: clarion workflows apply FILE")


@app.command("show")
def show(
    *,
    slug: Slug,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Print a workflow's document as it was published, ready to be edited and applied again."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.workflow(slug)
    if json:
        print_json(view)
        return
    source = str(view.get("source", ""))
    # Line by line, for the text came from outside: it keeps its lines and tabs, and cannot steer the terminal.
    typer.echo("\n".join(plain(line.replace("\t", "    ")) for line in source.splitlines()))


@app.command("pause")
def pause(
    *,
    slug: Slug,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Hold a workflow: nothing starts, no run goes on, nothing is sent."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        _say(instance.pause(slug), json=json)


@app.command("resume")
def resume(
    *,
    slug: Slug,
    skip_older_than: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Do not send pushes that were held for longer. [default: 24h]", show_default=False),
    ] = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Let a paused workflow go on."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        _say(instance.resume(slug, skip_older_than), json=json)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the document, for editors."""
    from clarion.workflow.source import json_schema

    print_json(json_schema())


def _say(view: View, *, json: bool) -> None:
    if json:
        print_json(view)
        return
    typer.echo(f"{view.get('workflow')}: {view.get('status')}")


def _became(view: View) -> str:
    paused = ", paused" if view.get("status") == "paused" else ""
    return ("is unchanged" if view.get("created") is False else "is published") + paused


def _time(value: object) -> str:
    return when(value) if isinstance(value, int) else plain(value)
