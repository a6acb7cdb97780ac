"""`clarion workflows`: documents checked, published, shown, paused."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import counters, drafts, options, statuses
from clarion.cli.failures import FAILED
from clarion.cli.output import View, plain, print_json, print_table, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Workflows: documents, drafts, versions, statuses, counters.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Documents, YAML or JSON; - is standard input.")]


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
@with_target
def apply(target: Target, *, files: Files, runs: options.Runs = options.RunsInFlight.KEEP) -> None:
    """Publish documents. All are checked before the first is published.

    One that says what its workflow says already makes no new version; what --runs says of runs on earlier versions is done even so.
    """
    from clarion.cli.documents import judge

    judged = [judge(file) for file in files]
    if any(one.problems for one in judged):
        for one in judged:
            one.complain()
        raise typer.Exit(FAILED)
    with target.connect() as instance:
        published = []
        for one in judged:
            view = instance.publish(one.text, runs.value)
            published.append(view)
            if not target.json:
                drafts.say_published(view)
    if target.json:
        print_json(published)


@app.command("list")
@with_target
def list_(target: Target) -> None:
    """Show every workflow with its version and status, and when its draft was saved."""
    with target.connect() as instance:
        views = instance.workflows()
    target.answer(views, _say_list)


@app.command("show")
@with_target
def show(
    target: Target,
    *,
    slug: options.Slug,
    draft: Annotated[
        bool, typer.Option("--draft", help="The draft, not the current version. One that was never published is shown anyway.")
    ] = False,
) -> None:
    """Print a workflow's document as it was published, or its draft, ready to be edited and applied again."""
    with target.connect() as instance:
        view = {} if draft else instance.workflow(slug)
        if draft or (view.get("status") == "draft" and not target.json):
            view = instance.draft(slug)
    target.answer(view, _say_source)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the document, for editors."""
    from clarion.workflow.source import json_schema

    print_json(json_schema())


app.command("plan")(drafts.plan)
app.command("draft")(drafts.draft)
app.command("publish")(drafts.publish)
app.command("discard")(drafts.discard)
app.command("duplicate")(drafts.duplicate)
app.command("pause")(statuses.pause)
app.command("resume")(statuses.resume)
app.command("drain")(statuses.drain)
app.command("activate")(statuses.activate)
app.command("archive")(statuses.archive)
app.command("counters")(counters.counters)


def _say_list(views: list[View]) -> None:
    columns = ("workflow", "name", "version", "status")
    rows = [[*(view.get(column) for column in columns), when(view.get("changed")), when(view.get("draft"))] for view in views]
    print_table((*columns, "changed", "draft"), rows, "there is no workflow — run: clarion workflows apply FILE")


def _say_source(view: View) -> None:
    source = str(view.get("source", ""))
    # Line by line, for the text came from outside: it keeps its lines and tabs, and cannot steer the terminal.
    typer.echo("\n".join(plain(line.replace("\t", "    ")) for line in source.splitlines()))
