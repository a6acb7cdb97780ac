"""Random documents of workflows that listen for, start and stop one another."""

from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from tests.workflow import documents as single

OWN = ("w0", "w1", "w2")
NAMES = (*OWN, "w")
"""The last one has every kind of step with all that it can say, but knows nothing of the others."""
EVENTS = ("a", "b", "c")
EVERY_EVENT = (*EVENTS, *EVENTS, single.ENTRY, single.ENTRY, *single.EVENTS)
CLICKED = "PushEngage.Notification.Clicked"
SYSTEM = (CLICKED, "PushEngage.Notification.Sent", "PushEngage.Subscriber.Update", "PushEngage.Subscriber.AddSegment")

_MARKED = {"field": "segments", "op": "in", "value": ["x"]}
_EVEN = {"field": "event.n", "op": "in", "value": [0, 2]}

Value = dict[str, Any]


class _Writer:
    """Writes one document. It throws dice of its own: long inputs leave hypothesis no room for the choices of many documents."""

    def __init__(self, seed: int, *, alone: bool) -> None:
        self._dice = Random(seed)
        self._alone = alone
        self._steps = 0
        self._sends = 0

    def _one_of(self, *choices: Any) -> Any:
        return self._dice.choice(choices)

    def _maybe(self, chance: float = 0.5) -> bool:
        return self._dice.random() < chance

    def document(self, name: str) -> Value:
        start: Value = {
            "on": [{"event": self._one_of(*EVENTS)}],
            "while_running": self._one_of("ignore", "restart", "parallel"),
            "again": self._one_of("always", "always", "always", "never", {"after": "5h"}),
        }
        if self._maybe():
            start["on"].append({"event": self._one_of(*EVENTS, *SYSTEM)})
        if self._maybe(0.3):
            start["key"] = "event.n"
        value: Value = {"workflow": name, "start": start, "steps": self._list(4, 2, least=1)}
        if self._maybe():
            value["exit"] = [self._one_of({"event": "c"}, {"event": "b", "where": _EVEN}, {"audience": _MARKED})]
        settings: Value = {}
        if self._maybe(0.4):
            settings["quiet_hours"] = {"from": "17:00", "to": "07:00"}
        if self._maybe(0.4):
            settings["frequency_cap"] = {"pushes": 1, "per": "5h"}
        if self._maybe():
            settings["goal"] = {
                "event": self._one_of(*EVENTS),
                "within": self._one_of("3h", "2d"),
                "value": "event.n",
                "count": self._one_of("first", "every"),
                "attribution": self._one_of("entry", "click", "view"),
            }
        return value | {"settings": settings}

    def _list(self, most: int, depth: int, pushes: tuple[str, ...] = (), *, least: int = 0, may_end: bool = False) -> list[Value]:
        """Steps; `pushes` are those that a run may have sent before."""
        made = []
        for _ in range(self._dice.randint(least, most)):
            id = self._id()
            kind, value = self._step(depth, pushes)
            made.append({"id": id, kind: value})
            pushes = (*pushes, id) if kind == "push" else pushes
        if may_end and self._maybe(0.25):
            made.append({"id": self._id(), "exit": {"reason": "enough"}})
        return made

    def _id(self) -> str:
        self._steps += 1
        return f"s{self._steps - 1}"

    def _step(self, depth: int, pushes: tuple[str, ...]) -> tuple[str, Value]:
        kinds = ["wait", "wait", "wait_for", "push", "push", "http", "await", "update", "segment", "stop_workflow", "until"]
        kinds += ["decide", "split"] if depth else []
        kinds += ["send_event", "start_workflow"] if self._sends < 2 else []
        kind = self._one_of(*kinds)
        match kind:
            case "wait":
                return kind, self._one_of({"for": "1h"}, {"for": "3h"}, {"at": "09:00"}, {"for": "0s"})
            case "until":
                return "wait", {"until": "{{ profile.seen || 1970-02-12 }}"}
            case "wait_for":
                return kind, self._wait_for(depth, pushes)
            case "push":
                return kind, {"title": "{{ n }}", "message": "m", "url": "https://a.example/", "transactional": self._maybe(0.2)}
            case "http":
                return kind, {"url": "https://a.example/", "body": {"n": "{{ n }}", "of": "{{ profile.seen }}"}}
            case "await":
                return "http", {"url": "https://a.example/", "await": True, "on_error": self._one_of("continue", "exit", "fail")}
            case "update":
                return kind, {"set": {"seen": "{{ n }}"}} if self._maybe() else {"remove": ["seen"]}
            case "segment":
                return kind, {self._one_of("add", "remove"): "x"}
            case "stop_workflow":
                return kind, {"workflow": self._one_of(*OWN)}
            case "decide":
                cases = [{"when": _EVEN, "steps": self._list(2, depth - 1, pushes, may_end=True)}]
                return kind, {"cases": cases, "else": self._list(1, depth - 1, pushes)}
            case "split":
                paths = [{"percent": 50, "steps": self._list(1, depth - 1, pushes)} for _ in range(2)]
                return kind, {"paths": paths, "by": self._one_of("profile", "run")}
        self._sends += 1
        if kind == "start_workflow":
            return kind, {"workflow": self._one_of(*OWN)}
        return kind, {"event": self._one_of(*EVENTS), "data": {"n": 1}} | (
            {} if self._alone or self._maybe() else {"profile_id": self._one_of("p", "q")}
        )

    def _wait_for(self, depth: int, pushes: tuple[str, ...]) -> Value:
        on: list[Value] = [{"event": self._one_of(*EVENTS)}]
        if pushes:
            on.append({"event": CLICKED, "of": self._one_of(*pushes)})
        if self._maybe():
            on[0]["where"] = _EVEN
        value = {"on": on, "timeout": self._one_of("2h", "1d")}
        if depth:
            value |= {"then": self._list(2, depth - 1, pushes, may_end=True), "otherwise": self._list(1, depth - 1, pushes)}
        return value


def documents(name: str, *, alone: bool = False) -> st.SearchStrategy[str]:
    """Valid documents of a workflow, as JSON; `alone`: no profile's runs send anything to another profile."""
    if name in OWN:
        return st.sampled_from(range(1000)).map(lambda seed: msgspec.json.encode(_Writer(seed, alone=alone).document(name)).decode())
    return single.documents(8).map(lambda value: msgspec.json.encode(value | {"workflow": name}).decode())
