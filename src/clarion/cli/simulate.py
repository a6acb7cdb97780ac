"""`clarion simulate`: documents tried out under a virtual clock; nothing is sent, and no data directory is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import FAILED, Failure, WrongUsage
from clarion.cli.output import json_line, plain, print_json, when

if TYPE_CHECKING:
    from clarion.engine.scenario import Scenario
    from clarion.engine.simulate import Simulated
    from clarion.workflow.document import Document


def simulate(
    *,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Workflow documents, YAML or JSON; - is standard input.")],
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What happens, and what has to come of it; exits with 1 if anything else comes.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="NAME", help="Without a scenario: one event, of a profile with one subscriber.")
    ] = None,
    data: Annotated[str, typer.Option(metavar="JSON", help="Data of that event.")] = "{}",
    at: Annotated[str | None, typer.Option(metavar="DATE", help="When it comes, ISO 8601. [default: now]", show_default=False)] = None,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Of the site, for that.")] = "UTC",
    json: options.Json = False,
) -> None:
    """Run documents under a virtual clock: what is sent when, and why. Nothing leaves this machine."""
    from clarion.engine.simulate import simulate as run

    if (scenario is None) == (event is None):
        raise WrongUsage("give either --scenario or --event")
    documents = _documents(files)
    played = _scenario(scenario, documents) if scenario is not None else _one_event(str(event), data, at, timezone)
    simulated = run(documents, played.world, played.given, played.until)
    differences = _show_json(played, simulated) if json else _show(played, simulated)
    if differences:
        raise typer.Exit(FAILED)


def _documents(files: list[Path]) -> "list[Document]":
    from clarion.cli.documents import judge
    from clarion.workflow.source import read_document

    judged = [judge(file) for file in files]
    for one in judged:
        one.complain()
    if any(one.problems for one in judged):
        raise typer.Exit(FAILED)
    documents = [read_document(one.text) for one in judged]
    for index, one in enumerate(judged):
        for earlier in judged[:index]:
            if earlier.workflow == one.workflow:
                raise Failure(f"{earlier.file} and {one.file} are both of workflow {one.workflow} — give one of them")
    return documents


def _scenario(file: Path, documents: "list[Document]") -> "Scenario":
    from clarion.cli.documents import judge
    from clarion.engine.scenario import read_scenario, unknown_names
    from clarion.workflow.source import DocumentInvalid

    def named(text: str) -> str:
        scenario = read_scenario(text)
        if unknown := unknown_names(scenario, documents):
            raise DocumentInvalid(unknown)
        return scenario.name

    judged = judge(file, named)
    judged.complain()
    if judged.problems:
        raise typer.Exit(FAILED)
    return read_scenario(judged.text)


def _one_event(event: str, data: str, at: str | None, timezone: str) -> "Scenario":
    from clarion.clock import wall_clock
    from clarion.contract.reading import NotJson, read_json
    from clarion.domain.dates import iso
    from clarion.engine.scenario import read_scenario_value
    from clarion.workflow.source import DocumentInvalid

    try:
        values = read_json(data.encode())
    except (NotJson, UnicodeEncodeError):
        raise WrongUsage("--data is no JSON — give one object, such as '{\"price\": 20}'") from None
    value = {
        "starts": at or iso(wall_clock()),
        "site": {"timezone": timezone},
        "events": [{"at": "0s", "event": event, "data": values}],
    }
    try:
        return read_scenario_value(value)
    except DocumentInvalid as invalid:
        raise WrongUsage("; ".join(f"--{_option(one.path)}: {one.message}" for one in invalid.problems)) from None


def _option(path: tuple[str | int, ...]) -> str:
    """The option that a part of the scenario came from."""
    named = {"starts": "at", "timezone": "timezone", "event": "event"}
    return next((named[part] for part in path if isinstance(part, str) and part in named), "data")


def _show_json(scenario: "Scenario", simulated: "Simulated") -> list[str]:
    from clarion.engine.simulation_view import simulation_view

    view = simulation_view(scenario, simulated)
    print_json(view)
    differences: list[str] = view["differences"]
    return differences


def _show(scenario: "Scenario", simulated: "Simulated") -> list[str]:
    from clarion.engine.expectations import differences

    sections = (
        [*_timeline(simulated)] or ["nothing happens"],
        ["messages", *_messages(simulated)] if simulated.sent else ["nothing is sent"],
        ["runs", *_runs(simulated)] if simulated.runs else ["no run starts"],
    )
    typer.echo("\n\n".join("\n".join(lines) for lines in sections))
    if not simulated.complete:
        typer.echo(f"\nstopped at {when(simulated.ended)}, with more to do")
    found = differences(scenario.expected, simulated)
    for one in found:
        typer.echo(plain(f"error: {one}"), err=True)
    return found


def _timeline(simulated: "Simulated") -> Iterator[str]:
    """A line for each input, and what it led to below."""
    from clarion.engine.timeline import timeline

    before = None
    for line in timeline(simulated):
        if (line.at, line.came) != before:
            before = (line.at, line.came)
            yield f"{when(line.at)}  {plain(line.came)}"
        where = " ".join(part for part in (line.workflow, line.step) if part)
        yield f"    {plain(f'{where}: ' if where else '')}{plain(line.sentence)}"


def _runs(simulated: "Simulated") -> Iterator[str]:
    from clarion.engine.expectations import spell_end

    for run in simulated.runs:
        ended = "" if run.ended is None else f" at {when(run.ended)}"
        key = "" if run.key is None else f" {run.key}"
        yield plain(f"  {run.workflow}{key}: {spell_end(run)}{ended}")


def _messages(simulated: "Simulated") -> Iterator[str]:
    for one in simulated.sent:
        said = one.content
        match one.kind:
            case "push":
                what = f"{one.workflow} {one.step}: {said['title']} | {said['message']} | {said['url']}"
            case "http":
                what = f"{one.workflow} {one.step}: {said['method']} {said['url']}"
            case _:
                what = f"{one.workflow}: {said['name']} {json_line(said['data'])}"
        yield plain(f"  {when(one.at)}  {one.kind}  {what}")
