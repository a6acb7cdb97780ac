"""Random documents of three workflows that listen for, start and stop one another."""

from typing import Any

import msgspec
from hypothesis import strategies as st

NAMES = ("w0", "w1", "w2")
EVENTS = ("a", "b", "c")
CLICKED = "PushEngage.Notification.Clicked"
SYSTEM = (CLICKED, "PushEngage.Notification.Sent", "PushEngage.Subscriber.Update", "PushEngage.Subscriber.AddSegment")

_MARKED = {"field": "segments", "op": "in", "value": ["x"]}
_EVEN = {"field": "event.n", "op": "in", "value": [0, 2]}


class _Building:
    """Gives steps their ids, in the order of the document, and knows the pushes that came before."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._steps = 0
        self._sends = 0

    def steps(self, most: int, depth: int, pushes: tuple[str, ...] = (), *, may_end: bool = False) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for _ in range(self._draw(st.integers(0, most))):
            step, pushed = self._step(depth, pushes)
            made.append(step)
            pushes = (*pushes, *pushed)
        if may_end and self._draw(st.integers(0, 3)) == 0:
            made.append({"id": self._id(), "exit": {"reason": "enough"}})
        return made

    def _id(self) -> str:
        self._steps += 1
        return f"s{self._steps - 1}"

    def _step(self, depth: int, pushes: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        draw = self._draw
        id = self._id()
        kinds = ["wait", "wait_for", "push", "http", "await", "update", "segment", "stop_workflow", "fragile"]
        kinds += ["decide", "split"] if depth else []
        kinds += ["send_event", "start_workflow"] if self._sends < 2 else []
        kind = draw(st.sampled_from(kinds))
        self._sends += kind in ("send_event", "start_workflow")
        match kind:
            case "wait":
                value: dict[str, Any] = draw(st.sampled_from([{"for": "1h"}, {"for": "3h"}, {"at": "09:00"}, {"for": "0s"}]))
            case "wait_for":
                on: list[dict[str, Any]] = [{"event": draw(st.sampled_from(EVENTS))}]
                if pushes:
                    on.append({"event": CLICKED, "of": draw(st.sampled_from(pushes))})
                if draw(st.booleans()):
                    on[0]["where"] = _EVEN
                value = {"on": on, "timeout": draw(st.sampled_from(["2h", "1d"]))}
                if depth:
                    value |= {"then": self.steps(2, depth - 1, pushes, may_end=True), "otherwise": self.steps(1, depth - 1, pushes)}
            case "push":
                value = {"title": "{{ n }}", "message": "m", "url": "https://a.example/", "transactional": draw(st.booleans())}
                return {"id": id, "push": value}, (id,)
            case "http":
                value = {"url": "https://a.example/", "body": {"n": "{{ n }}", "of": "{{ profile.seen }}"}}
            case "await":
                kind, value = (
                    "http",
                    {"url": "https://a.example/", "await": True, "on_error": draw(st.sampled_from(["continue", "exit", "fail"]))},
                )
            case "update":
                value = {"set": {"seen": "{{ n }}"}} if draw(st.booleans()) else {"remove": ["seen"]}
            case "segment":
                value = {draw(st.sampled_from(["add", "remove"])): "x"}
            case "send_event":
                value = {"event": draw(st.sampled_from(EVENTS)), "data": {"n": 1}}
                if draw(st.booleans()):
                    value["profile_id"] = draw(st.sampled_from(["p", "q"]))
            case "start_workflow" | "stop_workflow":
                value = {"workflow": draw(st.sampled_from(NAMES))}
            case "fragile":
                kind, value = "wait", {"until": "{{ profile.seen }}"}
            case "decide":
                value = {
                    "cases": [{"when": _EVEN, "steps": self.steps(2, depth - 1, pushes, may_end=True)}],
                    "else": self.steps(1, depth - 1, pushes),
                }
            case _:
                paths = [{"percent": 50, "steps": self.steps(1, depth - 1, pushes)} for _ in range(2)]
                value = {"paths": paths, "by": draw(st.sampled_from(["profile", "run"]))}
        return {"id": id, kind: value}, ()


@st.composite
def documents(draw: st.DrawFn, name: str) -> str:
    """A valid document of a workflow, as JSON."""
    start: dict[str, Any] = {
        "on": [{"event": draw(st.sampled_from(EVENTS))}],
        "while_running": draw(st.sampled_from(["ignore", "restart", "parallel"])),
        "again": draw(st.sampled_from(["always", "always", "never", {"after": "5h"}])),
    }
    if draw(st.booleans()):
        start["on"].append({"event": draw(st.sampled_from((*EVENTS, *SYSTEM)))})
    if draw(st.integers(0, 3)) == 0:
        start["key"] = "event.n"
    value: dict[str, Any] = {"workflow": name, "start": start, "steps": _Building(draw).steps(4, 2)}
    rules = st.sampled_from([{"event": "c"}, {"event": "b", "where": _EVEN}, {"audience": _MARKED}])
    value["exit"] = draw(st.lists(rules, max_size=1))
    settings: dict[str, Any] = {}
    if draw(st.integers(0, 2)) == 0:
        settings["quiet_hours"] = {"from": "22:00", "to": "07:00"}
    if draw(st.integers(0, 2)) == 0:
        settings["frequency_cap"] = {"pushes": 1, "per": "5h"}
    if draw(st.booleans()):
        settings["goal"] = {
            "event": draw(st.sampled_from(EVENTS)),
            "within": draw(st.sampled_from(["3h", "2d"])),
            "value": "event.n",
            "count": draw(st.sampled_from(["first", "every"])),
            "attribution": draw(st.sampled_from(["entry", "click", "view"])),
        }
    value["settings"] = settings
    return msgspec.json.encode(value).decode()
