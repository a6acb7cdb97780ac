"""`clarion workflows plan|draft|publish|discard|duplicate`: documents on their way to being published."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import FAILED, Failure
from clarion.cli.output import View, plain
from clarion.cli.target import Target, with_target

_IN_FLIGHT = {"move": "; runs on earlier versions go on in it", "end": "; runs on earlier versions end"}

File = Annotated[Path, typer.Argument(metavar="FILE", help="A document, YAML or JSON; - is standard input.")]


@with_target
def plan(
    target: Target,
    *,
    file: File,
    runs: Annotated[
        options.RunsInFlight | None, typer.Option("--runs", help="Say what this choice means to runs in flight; all three unless given.")
    ] = None,
) -> None:
    """Say what publishing a document would change, and how many runs in flight each choice would touch. Changes nothing."""
    from clarion.cli.documents import judge

    judged = judge(file)
    if judged.problems:
        judged.complain()
        raise typer.Exit(FAILED)
    with target.connect() as instance:
        view = instance.plan(judged.text)
    choices = list(options.RunsInFlight) if runs is None else [runs]
    told = view if runs is None else {**view, "runs": {runs.value: view.get("runs", {}).get(runs.value)}}
    target.answer(told, lambda plan: _say_plan(plan, choices))


@with_target
def draft(
    target: Target,
    *,
    file: File,
    slug: Annotated[
        str | None, typer.Option("--workflow", metavar="SLUG", help="The workflow; as the document says unless given.", show_default=False)
    ] = None,
) -> None:
    """Keep a document as its workflow's draft, also while something is wrong with it, which is told. Nothing is published."""
    from clarion.cli.documents import judge, slug_in

    judged = judge(file)
    wanted = slug or judged.workflow or slug_in(judged.text)
    if wanted is None:
        judged.complain()
        raise Failure(f"{judged.file} does not say whose draft it is — name its workflow with --workflow")
    with target.connect() as instance:
        view = instance.save_draft(wanted, judged.text)
    target.answer(view, lambda view: _say_draft(view, judged.file))


@with_target
def publish(target: Target, *, slug: options.Slug, runs: options.Runs = options.RunsInFlight.KEEP) -> None:
    """Publish a workflow's draft. One that is draining or archived and has no draft becomes active again as it was."""
    with target.connect() as instance:
        view = instance.publish_draft(slug, runs.value)
    target.answer(view, say_published)


@with_target
def discard(target: Target, *, slug: options.Slug) -> None:
    """Forget a workflow's draft, and a workflow that was never published with it."""
    with target.connect() as instance:
        instance.discard_draft(slug)
    target.answer({}, lambda _: typer.echo(f"{slug}: the draft is discarded"))


@with_target
def duplicate(
    target: Target,
    *,
    slug: options.Slug,
    new: Annotated[str, typer.Argument(metavar="NEWSLUG", help="Slug of the new workflow.")],
) -> None:
    """Keep a workflow's document, with its comments, as the draft of a new workflow."""
    with target.connect() as instance:
        view = instance.duplicate(slug, new)
    target.answer(view, lambda view: _say_draft(view, new))


def say_published(view: View) -> None:
    """What publishing came to."""
    paused = ", paused" if view.get("status") == "paused" else ""
    became = "is unchanged" if view.get("created") is False else "is published"
    if view.get("created") is False and view.get("reactivated"):
        became = "is active again"
    told = _IN_FLIGHT.get(str(view.get("runs")), "") if view.get("version") != 1 else ""
    typer.echo(plain(f"{view.get('workflow')}: version {view.get('version')} {became}{paused}{told}"))


def _say_draft(view: View, of: str) -> None:
    """What is wrong with a draft, as validating its file says it, and that it is kept."""
    import msgspec

    from clarion.workflow.source import Located

    problems = msgspec.convert(view.get("problems") or [], list[Located])
    for problem in problems:
        typer.echo(plain(f"problem: {of}: {problem}"), err=True)
    left = f", {len(problems)} to correct" if problems else ""
    typer.echo(plain(f"{view.get('workflow')}: the draft is saved{left}"))


def _say_plan(view: View, choices: list[options.RunsInFlight]) -> None:
    slug, version = view.get("workflow"), view.get("version")
    if view.get("unchanged"):
        typer.echo(plain(f"{slug}: the document is version {version} already"))
    else:
        typer.echo(plain(f"{slug}: would become version {version}"))
    steps = view.get("steps") or {}
    told = [("changed", view.get("parts")), *((f"steps {name}", steps.get(name)) for name in ("added", "removed", "changed"))]
    for what, names in told:
        if names:
            typer.echo(plain(f"  {what}: {', '.join(map(str, names))}"))
    if steps.get("reordered"):
        typer.echo("  steps follow each other in another order")
    runs = view.get("runs") or {}
    typer.echo(f"  runs in flight: {view.get('in_flight')}")
    for choice in choices:
        typer.echo(plain(f"    --runs {choice.value}: {_meaning(choice.value, runs.get(choice.value) or {})}"))


def _meaning(choice: str, counts: View) -> str:
    if choice == "keep":
        return f"{counts.get('finish')} finish on their version"
    if choice == "end":
        return f"{counts.get('exit')} end"
    stranded = ", ".join(f"{step or '(none)'} {count}" for step, count in (counts.get("exit_by_step") or {}).items())
    return f"{counts.get('go_on')} go on, {counts.get('exit')} exit because their step is gone{f': {stranded}' if stranded else ''}"
