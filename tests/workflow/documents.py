"""Hypothesis: valid documents of all kinds of steps, nested, that refer to one another; and what may happen to their runs."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Value = dict[str, Any]

CLICKED, VIEWED = "PushEngage.Notification.Clicked", "PushEngage.Notification.Viewed"
ENTRY = "go"
EVENTS = ("buy", "stop", "call")
LISTENED = (*EVENTS, CLICKED, VIEWED, "PushEngage.Subscriber.AddSegment")
KEYS = ("a", "price", "cart", "1a", "a-b", "day")
SEGMENTS = ("fans", "staff", "vip")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")

SCALARS = st.one_of(
    st.sampled_from(["", "x", "c1", "2026-05-06T10:00", "2026-05-05", "ä “ü” 🙂", "<b>&'\"\\", "Europe/Berlin"]),
    st.booleans(),
    st.integers(-5, 200),
    st.sampled_from([2**63, -(2**70), 0.5, 1e300, -0.0]),
)
DATA = st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=4)
"""Data of an event, or attributes of a profile."""
DURATIONS = st.sampled_from(["1s", "10m", "1h", "1d12h", "2w", "1500ms"])
TIMES = st.sampled_from(["00:00", "02:30", "07:00", "12:00", "18:30:15", "23:59"])


@st.composite
def windows(draw: st.DrawFn) -> Value:
    """A part of each day."""
    start, end = draw(st.lists(TIMES, min_size=2, max_size=2, unique=True))
    return {"from": start, "to": end}


class _Writer:
    """Writes one document; `seen` are the fields of what steps before have left."""

    def __init__(self, draw: st.DrawFn, most: int) -> None:
        self.draw = draw
        self.most = most
        self.steps = 0
        self.pushes: set[str] = set()

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def maybe(self, value: Value, /, **parts: Any) -> Value:
        """Some of the parts, each a strategy, are added to a value."""
        for name, part in parts.items():
            if self.draw(st.booleans()):
                value[name.rstrip("_")] = self.draw(part)
        return value

    # -- conditions and templates ---------------------------------------------------------------------------------------

    def row(self, seen: list[str]) -> Value:
        field = self.one_of("event.price", "event.a", "entry.cart", "profile.a", "profile.price", "subscriber.city", "segments", *seen)
        if field == "segments":
            tests: tuple[Value, ...] = (
                {"field": field, "op": "in", "value": ["staff", "vip"]},
                {"field": field, "op": "nin", "value": ["fans"]},
                {"field": field, "op": "exists"},
            )
            return self.draw(st.sampled_from(tests))
        number = self.draw(st.integers(-5, 200))
        if field.endswith(".status"):
            is_push = field.removesuffix(".status") in self.pushes
            value = self.one_of("queued", "capped", "no_subscriber", "stale") if is_push else number
            tests = (
                {"field": field, "op": "eq", "value": value},
                {"field": field, "op": "ne", "value": {"from": "entry.cart"}},
                {"field": field, "op": "nin", "value": [value, "x"]},
                {"field": field, "op": "not_exists"},
            )
            return self.draw(st.sampled_from(tests))
        tests = (
            {"field": field, "op": "eq", "value": self.draw(SCALARS)},
            {"field": field, "op": "ne", "value": {"from": "entry.cart"}},
            {"field": field, "op": "gte", "value": number},
            {"field": field, "op": "in", "value": [number, "x"]},
            {"field": field, "op": "not_exists"},
            {"field": field, "op": "starts_with", "value": "c"},
            {"field": field, "op": "within_last", "value": "1d"},
            {"field": field, "op": "after", "value": "2026-05-05T11:00"},
        )
        return self.draw(st.sampled_from(tests))

    def condition(self, seen: list[str], depth: int = 2) -> Value:
        kind = self.one_of("row", "all", "any", "not") if depth else "row"
        if kind == "row":
            return self.row(seen)
        if kind == "not":
            return {"not": self.condition(seen, depth - 1)}
        if kind == "all":  # two rows about one field could exclude each other
            return {"all": [self.condition(seen, 0), {"any": [self.condition(seen, depth - 1), self.row(seen)]}]}
        return {"any": [self.condition(seen, depth - 1) for _ in range(self.draw(st.integers(1, 3)))]}

    def text(self, seen: list[str]) -> str:
        fields = self.one_of(*KEYS, "event.price", "profile.a", "profile.id", "segments", "subscriber.city", *seen)
        fine = (
            "plain",
            f"{{{{ {fields} }}}}",
            f"for {{{{ {fields} || 'you' }}}}!",
            f"{{{{ {fields} | upcase | truncate: 12 }}}}",
            f"{{% if {fields if fields not in ('1a', 'a-b') else 'price'} %}}yes{{% else %}}no{{% endif %}}",
        )
        return str(self.one_of(*fine * 6, "{{ 12 | divided_by: price }}"))

    def url(self, seen: list[str], *, whole: bool = False) -> str:
        fine = ("https://a.example/", f"https://a.example/?q={{{{ {self.one_of(*KEYS, *seen)} }}}}")
        return str(self.one_of(*fine * 6, "{{ cart }}") if whole else self.one_of(*fine))

    def data(self, seen: list[str]) -> Value:
        names = self.draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
        return {name: self.one_of(self.text(seen), 5, True, 2.5) for name in names}

    # -- steps ------------------------------------------------------------------------------------------------------------

    def branch(self, seen: list[str], depth: int) -> tuple[list[Value], list[str], bool]:
        """A list of steps, what is known behind it, and whether no run gets there."""
        steps: list[Value] = []
        seen = list(seen)
        for _ in range(self.draw(st.integers(0, 4) if depth else st.integers(1, 6))):
            if self.steps >= self.most:
                break
            step, left, ended = self.step(seen, depth)
            steps.append(step)
            seen += left
            if ended:
                return steps, seen, True
        return steps, seen, False

    def step(self, seen: list[str], depth: int) -> tuple[Value, list[str], bool]:
        """A step, what it and its branches leave, and whether it ends every run."""
        id = f"s{self.steps}"
        self.steps += 1
        plain = ("push", "push", "http", "segment", "update", "send_event", "start_workflow", "stop_workflow", "wait", "wait", "exit")
        nesting = ("wait_for", "wait_for", "decide", "split")
        kind = self.one_of(*plain, *(nesting if depth < 4 else ()))
        if kind in nesting:
            body, left, ended = getattr(self, f"_{kind}")(id, seen, depth + 1)
            return {"id": id, kind: body}, left, ended
        body, left = getattr(self, f"_{kind}")(id, seen)
        return {"id": id, kind: body}, left, kind == "exit"

    def _push(self, id: str, seen: list[str]) -> tuple[Value, list[str]]:
        body = {"title": self.text(seen), "message": self.text(seen), "url": self.url(seen, whole=True)}
        more = {
            "icon": st.just(self.url(seen, whole=True)),
            "tag": st.just(self.text(seen)),
            "ttl": DURATIONS.filter(lambda text: text != "1500ms"),
            "urgency": st.sampled_from(["very-low", "low", "normal", "high"]),
            "require_interaction": st.booleans(),
            "transactional": st.booleans(),
            "actions": st.just([{"title": self.text(seen), "url": self.url(seen)}]),
        }
        self.pushes.add(id)
        return self.maybe(body, **more), [f"{id}.status"]

    def _http(self, id: str, seen: list[str]) -> tuple[Value, list[str]]:
        body = self.maybe({"url": self.url(seen)}, headers=st.just({"X-A": self.text(seen)}))
        if self.draw(st.booleans()):
            body |= {"method": "PUT", "body": {"a": [self.text(seen), None, 1]}}
        if not self.draw(st.booleans()):
            return body, []
        return self.maybe(body | {"await": True}, on_error=st.sampled_from(["continue", "exit", "fail"])), [
            f"{id}.status",
            f"{id}.response.a",
        ]

    def _segment(self, _: str, seen: list[str]) -> tuple[Value, list[str]]:
        name = self.one_of(*SEGMENTS, self.text(seen))
        return self.one_of({"add": name}, {"remove": [name]}, {"add": [name, "vip"], "remove": "fans"}), []

    def _update(self, _: str, seen: list[str]) -> tuple[Value, list[str]]:
        wanted = self.data(seen) or {"a": self.text(seen)}
        return self.one_of({"set": wanted}, {"remove": ["a", "day"]}, {"set": wanted, "remove": ["other"]}), []

    def _send_event(self, _: str, seen: list[str]) -> tuple[Value, list[str]]:
        return self.maybe({"event": self.one_of(*EVENTS)}, data=st.just(self.data(seen)), profile_id=st.just(self.text(seen))), []

    def _start_workflow(self, _: str, seen: list[str]) -> tuple[Value, list[str]]:
        return self.maybe({"workflow": "other"}, data=st.just(self.data(seen))), []

    def _stop_workflow(self, _: str, __: list[str]) -> tuple[Value, list[str]]:
        return {"workflow": "other"}, []

    def _wait(self, _: str, seen: list[str]) -> tuple[Value, list[str]]:
        body = self.one_of(
            {"for": self.draw(DURATIONS)},
            {"for": "0s"},
            {"until": self.one_of("2026-05-06", "{{ day || 2026-05-07T10:00 }}", "{{ day }}")},
            {"until": "2026-05-09T12:00Z", self.one_of("before", "after"): self.draw(DURATIONS)},
        )
        rest = self.one_of({}, {"at": self.draw(TIMES)}, {"window": self.draw(windows())})
        return self.maybe(body | rest, days=st.lists(st.sampled_from(["mon", "tue", "sat"]), min_size=1, unique=True)), []

    def _exit(self, _: str, __: list[str]) -> tuple[Value | None, list[str]]:
        return self.one_of({}, None, {"reason": "far enough"}), []

    def _wait_for(self, id: str, seen: list[str], depth: int) -> tuple[Value, list[str], bool]:
        on = []
        for _ in range(self.draw(st.integers(1, 3))):
            expected = {"event": self.one_of(*LISTENED)}
            if self.one_of(True, False, False):
                expected["where"] = self.condition(seen)
            pushes = [step for field in seen if (step := field.partition(".")[0]) in self.pushes]
            if pushes and expected["event"] in (CLICKED, VIEWED):
                expected["of"] = self.one_of(*pushes)
            on.append(expected)
        came = f"{id}.event.a"
        body: Value = {"on": on, "timeout": self.draw(DURATIONS)}
        ends, left = [], [came]
        for branch, known in (("then", [*seen, came]), ("otherwise", seen)):
            steps, after, ended = self.branch(known, depth)
            if steps or self.one_of(True, False):
                body[branch] = steps
            left += [field for field in after if field not in known]
            ends.append(ended)
        return body, left, all(ends)

    def _decide(self, _: str, seen: list[str], depth: int) -> tuple[Value, list[str], bool]:
        cases: list[Value] = []
        left, ends = [], []
        for _case in range(self.draw(st.integers(1, 2))):
            steps, after, ended = self.branch(seen, depth)
            when = self.condition(seen)
            # the same condition a second time is never asked
            cases.append({"when": {"any": [when, {"not": when}]} if when in [case["when"] for case in cases] else when, "steps": steps})
            left += after[len(seen) :]
            ends.append(ended)
        body: Value = {"cases": cases}
        otherwise, after, ended = self.branch(seen, depth)
        if otherwise:
            body["else"] = otherwise
        return body, left + after[len(seen) :], all(ends) and ended

    def _split(self, _: str, seen: list[str], depth: int) -> tuple[Value, list[str], bool]:
        shares = self.one_of([100], [50, 50], [33.33, 33.33, 33.34], [0.01, 99.99])
        paths, left, ends = [], [], []
        for index, share in enumerate(shares):
            steps, after, ended = self.branch(seen, depth)
            paths.append(self.maybe({"percent": share, "steps": steps}, name=st.just(f"path {index}")))
            left += after[len(seen) :]
            ends.append(ended)
        return self.maybe({"paths": paths}, by=st.sampled_from(["profile", "run"])), left, all(ends)

    # -- around the steps -------------------------------------------------------------------------------------------------

    def document(self) -> Value:
        steps, left, _ = self.branch([], 0)
        where = st.just(self.condition([]))
        start = self.maybe(
            {"on": [self.maybe({"event": ENTRY}, where=where)]},
            audience=st.just(self.condition([])),
            key=st.just("event.cart"),
            while_running=st.sampled_from(["ignore", "restart", "parallel"]),
            again=st.sampled_from(["always", "never", {"after": "1h"}]),
            max_age=DURATIONS,
        )
        document = self.maybe({"workflow": "w", "start": start, "steps": steps}, name=st.just("A workflow"))
        if self.draw(st.booleans()):
            rules = [self.maybe({"event": "stop"}, where=st.just(self.condition(left))), {"audience": self.condition(left)}]
            document["exit"] = self.draw(st.lists(st.sampled_from(rules), max_size=2))
        if self.draw(st.booleans()):
            goal = self.maybe(
                {"event": "buy", "within": "2h"},
                where=st.just(self.condition(left)),
                value=st.just("event.price"),
                attribution=st.sampled_from(["entry", "click", "view"]),
                count=st.sampled_from(["first", "every"]),
            )
            document["settings"] = self.maybe(
                {},
                timezone=st.sampled_from(["subscriber", "site", *ZONES]),
                quiet_hours=windows(),
                frequency_cap=st.fixed_dictionaries({"pushes": st.integers(1, 3), "per": st.sampled_from(["1m", "1h", "2d"])}),
                goal=st.just(goal),
            )
        return document


@st.composite
def documents(draw: st.DrawFn, most_steps: int = 15) -> Value:
    """A valid document, as plain values."""
    return _Writer(draw, most_steps).document()


DELAYS = st.sampled_from([0, 0, 1, 1_000_000, 3_600_000_000, 86_400_000_000])
INPUTS = st.one_of(
    st.tuples(st.just("due"), st.booleans()),
    st.tuples(st.just("due"), st.just(False)),
    st.tuples(st.just("due"), st.just(False)),
    st.tuples(st.just("early"), st.booleans()),
    st.tuples(st.just("event"), st.sampled_from(LISTENED), DATA, st.integers(0, 7)),
    st.tuples(st.just("awaited"), st.integers(0, 2), DATA),
    st.tuples(st.just("awaited"), st.integers(0, 2), DATA),
    st.tuples(st.just("receipt"), st.sampled_from([CLICKED, VIEWED]), DATA, st.integers(0, 3)),
    st.tuples(st.just("leave"), st.sampled_from(EVENTS), DATA),
    st.tuples(st.just("change"), DATA, st.lists(st.sampled_from(SEGMENTS), unique=True)),
    st.tuples(st.just("answer"), st.sampled_from(["sent", "failed", "expired"]), DATA),
    st.tuples(st.just("answer"), st.just("sent"), DATA),
    st.tuples(st.just("wrong answer"), st.just("sent"), DATA),
    st.tuples(st.just("retry")),
    st.tuples(st.just("move")),
    st.tuples(st.just("step"), st.integers(0, 20)),
    st.tuples(st.just("pause")),
    st.tuples(st.just("resume")),
    st.tuples(st.just("stop")),
)
"""What may happen to a run."""
HAPPENINGS = st.lists(st.tuples(DELAYS, INPUTS), min_size=6, max_size=16)
"""The same with how long after what came before."""


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a value, the value itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        yield from places(held, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a path."""
    for part in path:
        value = value[part]
    return value
