"""Explanations as people read them. Everything is printed as plain text, so that no name can steer a terminal or a formatter."""

import shlex
from typing import Any

import msgspec
import typer

from clarion.cli.invocation import as_invoked
from clarion.cli.output import View, plain, when


def show_event(view: View) -> None:
    """What an event did and did not do."""
    at = f", taken at {when(view['at'])}" if isinstance(view.get("at"), int) else ""
    _line(0, f"event {view.get('event_name') or '(unreadable)'} ({view.get('event_id')}) of {_whom(view.get('event'))}{at}")
    _data(1, view.get("event"))
    _line(1, view.get("sentence"))
    for one in _members(view, "inputs"):
        for verdict in _members(one, "verdicts"):
            _line(1, _verdict(verdict))
        for run in _members(one, "runs"):
            _run(1, run)
    for delivery in _members(view, "deliveries"):
        _delivery(1, delivery)


def show_run(view: View) -> None:
    """Every step of a run."""
    _line(
        0, f"run {view.get('run_id')} of {view.get('workflow')} v{view.get('version')}, profile {view.get('profile_id') or '(anonymous)'}"
    )
    entry = f"{view.get('entry_event_name')} ({view.get('entry_event_id')})"
    key = "" if view.get("key") is None else f", key {view['key']}"
    _line(1, f"started at {when(view.get('started'))} by event {entry}{key}")
    for reason in _members(view, "history"):
        _line(1, f"{when(reason.get('at'))}  {reason.get('step') or '-'}: {reason.get('sentence')}")
    for delivery in _members(view, "deliveries"):
        _delivery(1, delivery)
    _line(1, f"now: {view.get('sentence')}")
    if view.get("complete") is False:
        _line(1, "there may be more: the profile's history is longer than what was looked at")


def show_timeline(view: View) -> None:
    """What happened to a person."""
    _line(0, f"profile {view.get('profile_id') or '(anonymous)'}{_devices(view)}, newest last")
    if not view.get("items"):
        _line(0, "nothing is recorded")
    _items(view)
    if isinstance(view.get("before"), str):
        _line(0, f"{as_invoked('earlier: clarion explain')}{_question(view)} --before {shlex.quote(view['before'])}")


def show_absence(view: View) -> None:
    """Why a person did not get a workflow's message: what happened, then the answer."""
    who = view.get("profile_id") or view.get("device_token_hash") or "(anonymous)"
    state = f"{view['status']}, v{view.get('version')}" if view.get("status") else "unknown"
    _line(0, f"profile {who} and workflow {view.get('workflow')} ({state}), newest last")
    _items(view)
    conclusion = view.get("conclusion")
    if isinstance(conclusion, dict):
        _line(0, f"answer ({conclusion.get('answer')}): {conclusion.get('sentence')}")
        for reason in conclusion.get("because") or ():
            _line(1, reason)


def _question(view: View) -> str:
    """The options that ask for a timeline again."""
    devices = view.get("devices") or [None]
    asked = {"--profile": view.get("profile_id"), "--workflow": view.get("workflow")}
    if asked["--profile"] is None:
        asked["--subscriber"] = devices[0]
    return "".join(f" {option} {shlex.quote(str(value))}" for option, value in asked.items() if value is not None)


def _items(view: View) -> None:
    for one in _members(view, "items"):
        delivery = one.get("delivery")
        if isinstance(delivery, dict):
            _line(0, f"{when(one.get('at'))}  {_of_step(delivery)}: {delivery.get('sentence')}")
            continue
        name = f"event {one.get('name')} ({one.get('id')})" if one.get("kind") == "event" else one.get("kind")
        _line(0, f"{when(one.get('at'))}  {name}")
        _data(1, one.get("event"))
        for verdict in _members(one, "verdicts"):
            _line(1, _verdict(verdict))
        for run in _members(one, "runs"):
            _run(1, run)


def _verdict(verdict: View) -> str:
    version = f" v{verdict['version']}" if verdict.get("version") else ""
    return f"{verdict.get('workflow')}{version}: {verdict.get('sentence')}"


def _run(depth: int, run: View) -> None:
    version = f" v{run['version']}" if run.get("version") else ""
    of = f"{run['workflow']}{version}, " if run.get("workflow") else ""
    for reason in _members(run, "reasons"):
        _line(depth, f"{of}run {run.get('run_id')}, step {reason.get('step') or '-'}: {reason.get('sentence')}")


def _delivery(depth: int, delivery: View) -> None:
    _line(depth, f"{_of_step(delivery)}: {delivery.get('sentence')}")
    for attempt in _members(delivery, "attempts"):
        _line(depth + 1, attempt.get("sentence"))


def _of_step(delivery: View) -> str:
    return f"{delivery.get('workflow')} v{delivery.get('version')}, step {delivery.get('step')}"


def _data(depth: int, event: Any) -> None:
    if isinstance(event, dict) and event.get("data"):
        _line(depth, msgspec.json.encode(event["data"]).decode())


def _whom(event: Any) -> str:
    if not isinstance(event, dict):
        return "a profile"
    if event.get("profile_id"):
        return f"profile {event['profile_id']}"
    return f"subscriber {event.get('device_token_hash')}"


def _devices(view: View) -> str:
    devices = view.get("devices") or []
    shown = ", ".join(map(str, devices[:5])) + (f" and {len(devices) - 5} more" if len(devices) > 5 else "")
    return f" (subscribers {shown})" if devices else ""


def _members(view: View, name: str) -> list[View]:
    found = view.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list | tuple) else []


def _line(depth: int, text: object) -> None:
    typer.echo("  " * depth + plain(text))
