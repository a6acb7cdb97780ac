"""`clarion jobs`: imports and erasures, and how far they are."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Jobs: list, show.", no_args_is_help=True)


@app.command("list")
@with_target
def list_(
    target: Target,
    *,
    kind: Annotated[str | None, typer.Option(help="import, export or erasure.")] = None,
    status: Annotated[str | None, typer.Option(help="running, done, failed or stopped.")] = None,
    limit: options.Limit = 20,
) -> None:
    """Show jobs, newest first."""
    with target.connect() as instance:
        views = instance.jobs(kind, status, limit)
    target.answer(views, _say_list)


@app.command("show")
@with_target
def show(target: Target, *, id: Annotated[str, typer.Argument(metavar="ID", help="The job.")]) -> None:
    """Show how far a job is, and what was refused of an import."""
    with target.connect() as instance:
        view = instance.job(id)
    target.answer(view, _say)


def _say_list(views: list[View]) -> None:
    rows = [(one["job_id"], one["kind"], one["status"], when(one["created"]), when(one["changed"])) for one in views]
    print_table(("id", "kind", "status", "created", "changed"), rows, "there is no job")


def _say(view: View) -> None:
    typer.echo(plain(f"{view['kind']} {view['job_id']}: {view['status']}, changed {when(view['changed'])}"))
    detail = view["detail"]
    for name in ("what", "name", "rows", "accepted", "refused"):
        if name in detail:
            typer.echo(plain(f"{name}: {detail[name]}"))
    if detail.get("report"):
        print_table(("row", "field", "reason"), [(one["row"], one["field"] or "-", one["reason"]) for one in detail["report"]], "")
