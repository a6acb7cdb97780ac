"""`clarion explain`: what happened and why, and why not."""

from typing import Annotated

import typer

from clarion.cli.failures import WrongUsage
from clarion.cli.output import View
from clarion.cli.target import Target, with_target
from clarion.cli.whom import Whom


@with_target
def explain(
    target: Target,
    *,
    event: Annotated[str | None, typer.Argument(metavar="[EVENT_ID]", help="An event of the log.")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Every step of this run.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="ID", help="The timeline of this profile_id.")] = None,
    device: Annotated[
        str | None, typer.Option("--subscriber", "--device", metavar="HASH", help="The timeline of whom this device_token_hash belongs to.")
    ] = None,
    workflow: Annotated[
        str | None, typer.Option(metavar="SLUG", help="With --profile or --subscriber: why they did not get this workflow's message.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=500, help="So many of the newest inputs, with what was sent meanwhile. With --workflow at most 50.")
    ] = 50,
    before: Annotated[str | None, typer.Option(metavar="PLACE", help="Only what happened earlier: where the page before ended.")] = None,
) -> None:
    """Say what happened and why: of an event, of a run, or of a person, newest last; with --workflow, why they did not get its message."""
    from clarion.cli import explanations

    if sum(one is not None for one in (event, run, profile, device)) != 1:
        raise WrongUsage("name one thing to explain — give EVENT_ID, --run, --profile or --subscriber")
    whom = Whom(profile, device)
    if workflow is not None and whom == Whom():
        raise WrongUsage("--workflow goes with --profile or --subscriber — name a person")
    with target.connect() as instance:
        if event is not None:
            view, show = instance.explain_event(event), explanations.show_event
        elif run is not None:
            view, show = instance.explain_run(run), explanations.show_run
        elif workflow is not None and before is None:
            view, show = _newest(instance.absence(whom, workflow), limit), explanations.show_absence
        else:
            view, show = instance.timeline(whom, workflow, limit, before), explanations.show_timeline
    target.answer(view, show)


def _newest(view: View, limit: int) -> View:
    """The view with so many inputs at most; deliveries do not count."""
    items = view.get("items") or ()
    inputs = [place for place, one in enumerate(items) if isinstance(one, dict) and one.get("kind") != "delivery"]
    return {**view, "items": items[inputs[-limit] :]} if len(inputs) > limit else view
