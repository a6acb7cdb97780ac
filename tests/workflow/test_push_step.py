"""`push`: quiet hours, caps, and what becomes of it."""

import msgspec
import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import DAY, HOUR, MINUTE, NOON, Journey, at, somebody
from tests.workflow.problems import problems, step_problems

from clarion.domain.records import FrequencyCap
from clarion.workflow.effects import PushEffect
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING

PUSH = 'push: {title: t, message: m, url: "https://shop.example/"'
AFTER = '- {id: after, http: {url: "https://a.example/{{ hi.status }}"}}'
ASK = "- {{id: ask, decide: {{cases: [{{when: {{all: [{{field: hi.status, op: eq, value: {}}}]}}, steps: []}}]}}}}"


def one(settings: str = "", more: str = "", before: str = "") -> str:
    """A push, and a request that says what became of it."""
    return f"settings: {{{settings}}}\n{before}steps:\n  - {{id: hi, {PUSH}{more}}}}}\n  {AFTER}\n"


QUIET = 'quiet_hours: {from: "22:00", to: "07:00"}'
DAYTIME = 'quiet_hours: {from: "11:00", to: "12:30"}'


@pytest.mark.parametrize(
    ("settings", "now", "opens"),
    [
        (QUIET, "2026-05-05T21:59:59.999999Z", None),
        (QUIET, "2026-05-05T22:00Z", "2026-05-06T07:00Z"),
        (QUIET, "2026-05-05T23:30Z", "2026-05-06T07:00Z"),
        (QUIET, "2026-05-06T00:00Z", "2026-05-06T07:00Z"),
        (QUIET, "2026-05-06T06:59:59.999999Z", "2026-05-06T07:00Z"),
        (QUIET, "2026-05-06T07:00Z", None),
        (DAYTIME, "2026-05-05T10:59Z", None),
        (DAYTIME, "2026-05-05T11:00Z", "2026-05-05T12:30Z"),
        (DAYTIME, "2026-05-05T12:30Z", None),
        (f"{QUIET}, timezone: Europe/Berlin", "2026-05-05T20:00Z", "2026-05-06T05:00Z"),
        (f"{QUIET}, timezone: Europe/Berlin", "2026-05-05T19:59Z", None),
        # the night in which clocks go from 02:00 to 03:00, and the one in which they go back
        (f"{QUIET}, timezone: Europe/Berlin", "2026-03-28T22:00Z", "2026-03-29T05:00Z"),
        (f"{QUIET}, timezone: Europe/Berlin", "2026-10-24T21:00Z", "2026-10-25T06:00Z"),
    ],
)
def test_quiet_hours_hold_the_run_at_the_push(program: ProgramOf, settings: str, now: str, opens: str | None) -> None:
    journey = Journey(program(one(settings)), now=at(now)).begin()
    if opens is None:
        assert journey.run.status == COMPLETED
        return
    assert (journey.run.status, journey.run.step, journey.run.due) == (WAITING, "hi", at(opens))
    assert (journey.happened, journey.details["quiet_hours"], journey.effects) == (["quiet_hours"], {"until": at(opens)}, [])
    journey.due()
    assert journey.run.status == COMPLETED
    assert [effect.id for effect in journey.effects] == [journey.effect("hi"), journey.effect("after")]


@pytest.mark.parametrize(
    ("timezone", "zone", "opens"),
    [
        ("", "Asia/Tokyo", "2026-05-05T22:00Z"),
        ("", None, "2026-05-06T11:00Z"),
        ("", "Mars/Olympus", "2026-05-06T11:00Z"),
        ("", "", "2026-05-06T11:00Z"),
        ("", 9, "2026-05-06T11:00Z"),
        (", timezone: subscriber", "Asia/Tokyo", "2026-05-05T22:00Z"),
        (", timezone: site", "Asia/Tokyo", "2026-05-06T11:00Z"),
        (", timezone: Europe/Berlin", "Asia/Tokyo", "2026-05-06T05:00Z"),
    ],
)
def test_whose_clocks_count(program: ProgramOf, timezone: str, zone: str | int | None, opens: str) -> None:
    # 03:00 in Berlin, 10:00 in Tokyo, 21:00 in New York, where the site is
    quiet = 'quiet_hours: {from: "21:00", to: "07:00"}'
    person = somebody(zone=zone, site_zone="America/New_York")
    journey = Journey(program(one(quiet + timezone)), person, now=at("2026-05-06T01:00Z")).begin()
    expected = None if zone == "Asia/Tokyo" and timezone in ("", ", timezone: subscriber") else at(opens)
    assert journey.run.due == expected


def test_without_a_subscriber_the_sites_clocks_count(program: ProgramOf) -> None:
    nobody = somebody(site_zone="Asia/Tokyo")
    nobody = type(nobody)(nobody.profile, None, nobody.timezone)
    journey = Journey(program(one(QUIET)), nobody, now=at("2026-05-05T14:00Z")).begin()
    assert journey.run.due == at("2026-05-05T22:00Z")


def test_when_the_window_opens_the_audience_is_tested_first(program: ProgramOf) -> None:
    leaving = "exit: [{audience: {all: [{field: segments, op: in, value: [staff]}]}}]\n"
    journey = Journey(program(one(QUIET, before=leaving)), now=at("2026-05-05T23:00Z")).begin()
    journey.person = somebody(segments=("staff",))
    journey.due()
    assert (journey.ended, journey.effects) == ((EXITED, "audience"), [])


def test_when_the_window_opens_the_cap_is_tested(program: ProgramOf) -> None:
    journey = Journey(program(one(f"{QUIET}, frequency_cap: {{pushes: 1, per: 1d}}")), now=at("2026-05-05T23:00Z")).begin()
    profile = somebody().profile
    journey.person = type(journey.person)(type(profile)("n:p", pushed={"w": (at("2026-05-06T01:00Z"),)}))
    journey.due()
    assert journey.happened == ["quiet_hours", "capped", "http", "completed"]


def test_an_exit_holds_in_quiet_hours_too(program: ProgramOf) -> None:
    journey = Journey(program(one(QUIET, before="exit: [{event: stop}]\n")), now=at("2026-05-05T23:00Z")).begin()
    journey.leave("stop")
    assert journey.ended == (EXITED, "event stop")


def test_a_subscriber_that_went_elsewhere_meanwhile_is_not_woken(program: ProgramOf) -> None:
    journey = Journey(program(one(QUIET)), somebody(zone="Europe/Berlin"), now=at("2026-05-05T23:00Z")).begin()
    assert journey.run.due == at("2026-05-06T05:00Z")
    journey.person = somebody(zone="America/New_York")
    journey.due()
    assert (journey.run.status, journey.run.due) == (WAITING, at("2026-05-06T11:00Z"))
    assert journey.waiting() == journey.stands()


def test_a_transactional_push_passes_both(program: ProgramOf) -> None:
    settings = f"{QUIET}, frequency_cap: {{pushes: 1, per: 1d}}"
    person = somebody(site_cap=FrequencyCap(1, DAY))
    night = at("2026-05-05T23:00Z")
    journey = Journey(program(one(settings, ", transactional: true")), person, now=night).begin()
    assert journey.run.status == COMPLETED
    assert journey.person.profile.pushed == {"w": (night,), "": (night,)}, "it counts for those that come after"
    again = Journey(program(one(settings, ", transactional: true")), journey.person, now=night + 1).begin()
    assert again.happened == ["push", "http", "completed"]
    plain = Journey(program(one("frequency_cap: {pushes: 1, per: 1d}")), again.person, now=night + 2).begin()
    assert plain.happened == ["capped", "http", "completed"]


@pytest.mark.parametrize(("later", "outcome"), [(0, "capped"), (DAY - 1, "capped"), (DAY, "push"), (DAY + 1, "push")])
@pytest.mark.parametrize("whose", ["workflow", "site"])
def test_a_cap_is_rolling(program: ProgramOf, later: int, outcome: str, whose: str) -> None:
    cap = "frequency_cap: {pushes: 2, per: 1d}" if whose == "workflow" else ""
    steps = program(one(cap))
    person = somebody(site_cap=None if cap else FrequencyCap(2, DAY))
    first = Journey(steps, person).begin()
    second = Journey(steps, first.person, now=NOON + HOUR).begin()
    assert (first.happened[0], second.happened[0]) == ("push", "push")
    third = Journey(steps, second.person, now=max(NOON + later, NOON + HOUR)).begin()
    assert third.happened[0] == outcome
    if outcome == "capped":
        assert third.details["capped"] == {"cap": whose, "pushes": 2, "per": DAY}
        assert third.person.profile is second.person.profile, "what is not sent does not count"
        assert third.counted("capped", "hi") == 1
    assert list(third.person.profile.pushed) == ["", "w"], "every push is remembered: a cap may be set later"


def test_the_cap_of_the_site_spans_workflows(program: ProgramOf) -> None:
    steps = program(one("frequency_cap: {pushes: 5, per: 1d}"))
    first = Journey(steps, somebody(site_cap=FrequencyCap(1, HOUR))).begin()
    other = Journey(steps, first.person, now=NOON + MINUTE)
    other.run = type(other.run)(**{name: getattr(other.run, name) for name in other.run.__struct_fields__} | {"workflow": "other"})
    other.begin()
    assert other.details["capped"]["cap"] == "site"
    assert other.person.profile.pushed == {"w": (NOON,), "": (NOON,)}


def test_each_push_of_a_walk_counts(program: ProgramOf) -> None:
    steps = "".join(f"  - {{id: p{number}, {PUSH}}}}}\n" for number in range(4))
    journey = Journey(program(f"settings: {{frequency_cap: {{pushes: 2, per: 1h}}}}\nsteps:\n{steps}")).begin()
    assert [effect.step for effect in journey.effects] == ["p0", "p1"]
    assert [journey.left(f"p{number}") for number in range(4)] == [{"status": s} for s in ("queued", "queued", "capped", "capped")]
    assert journey.person.profile.pushed == {"": (NOON, NOON), "w": (NOON, NOON)}


def test_a_cap_that_grows_counts_what_went_before_and_no_more_is_remembered_than_any_cap_asks_for(program: ProgramOf) -> None:
    steps = "".join(f"  - {{id: p{number}, {PUSH}, transactional: true}}}}\n" for number in range(101))
    journey = Journey(program(f"settings: {{frequency_cap: {{pushes: 3, per: 1h}}}}\nsteps:\n{steps}")).begin()
    assert len(journey.effects) == 101
    assert journey.person.profile.pushed == dict.fromkeys(("", "w"), (NOON,) * 100)
    later = Journey(program(one("frequency_cap: {pushes: 100, per: 1h}")), journey.person, now=NOON + HOUR - 1).begin()
    assert later.happened[0] == "capped"
    long_after = Journey(program(one()), journey.person, now=NOON + 90 * DAY).begin()
    assert long_after.person.profile.pushed == dict.fromkeys(("", "w"), (NOON + 90 * DAY,))


def test_what_became_of_it_can_be_read(program: ProgramOf) -> None:
    queued = Journey(program(one())).begin()
    assert queued.left("hi") == {"status": "queued"}
    unreachable = Journey(program(one()), somebody(reachable=False)).begin()
    assert (unreachable.left("hi"), unreachable.counted("no_subscriber", "hi")) == ({"status": "no_subscriber"}, 1)
    assert unreachable.happened == ["no_subscriber", "http", "completed"]
    assert [getattr(effect, "url", "") for effect in unreachable.effects] == ["https://a.example/no_subscriber"]
    assert unreachable.person.profile.pushed == {}


@pytest.mark.parametrize("more", ["", ", transactional: true"])
def test_a_push_that_a_pause_held_too_long_is_stale(program: ProgramOf, more: str) -> None:
    steps = program(one(QUIET, more).replace("steps:\n", "steps:\n  - {id: pause, wait: {for: 11h}}\n"))
    journey = Journey(steps).begin()
    journey.due(stale=True)
    assert (journey.happened, journey.left("hi")) == (["waiting", "stale", "http", "completed"], {"status": "stale"})
    assert journey.counted("stale", "hi") == 1


def test_a_push_is_rendered_when_it_goes_out(program: ProgramOf) -> None:
    journey = Journey(program(one(QUIET).replace("title: t", "title: '{{ name }}'")), somebody({"name": "A"}), now=at("2026-05-05T23:00Z"))
    journey.begin()
    journey.person = somebody({"name": "B"})
    journey.due()
    [push, _] = journey.effects
    assert isinstance(push, PushEffect)
    assert push.title == "B"


def test_all_that_a_push_can_say(program: ProgramOf) -> None:
    more = """, icon: "https://a.example/i", image: "{{ image }}", badge: "https://a.example/b", tag: "{{ cart }}", ttl: 90m, urgency: low,
      require_interaction: true, actions: [{title: "Buy {{ it }}", url: "https://a.example/?{{ it }}"}, {title: B, url: "{{ image }}"}]"""
    [push, _] = Journey(program(one(more=more)), image="https://i.example/1", cart=7, it="a b").begin().effects
    assert isinstance(push, PushEffect)
    assert (push.icon, push.image, push.badge) == ("https://a.example/i", "https://i.example/1", "https://a.example/b")
    assert (push.tag, push.ttl, push.urgency, push.require_interaction) == ("7", 5400, "low", True)
    assert push.actions == (("Buy a b", "https://a.example/?a%20b"), ("B", "https://i.example/1"))
    [plain, _] = Journey(program(one())).begin().effects
    assert isinstance(plain, PushEffect)
    assert (plain.tag, plain.ttl, plain.urgency, plain.actions) == (None, 2_419_200, "normal", ())


def test_what_other_workflows_sent_is_remembered_for_90_days(program: ProgramOf) -> None:
    """A cap of theirs may be set, or grow, to as much as that."""
    edge = NOON - 90 * DAY
    before = {"fresh": (edge - 2, edge - 1, edge + 1), "gone": (edge - 2, edge - 1, edge), "w": (edge - 1, edge, edge + 1, NOON - 1)}
    person = somebody()
    person = msgspec.structs.replace(person, profile=msgspec.structs.replace(person.profile, pushed=before))
    journey = Journey(program(one()), person).begin()
    assert journey.person.profile.pushed == {"fresh": (edge - 2, edge - 1, edge + 1), "": (NOON,), "w": (edge + 1, NOON - 1, NOON)}


@pytest.mark.parametrize(
    ("sent", "capped"),
    [({"w": (NOON - 1,)}, "workflow"), ({"": (NOON - 1,)}, "site"), ({"": (NOON - 1,), "w": (NOON - 1,)}, "workflow"), ({}, None)],
)
def test_either_cap_holds_and_is_named(program: ProgramOf, sent: dict[str, tuple[int, ...]], capped: str | None) -> None:
    person = somebody(site_cap=FrequencyCap(1, HOUR))
    person = msgspec.structs.replace(person, profile=msgspec.structs.replace(person.profile, pushed=sent))
    journey = Journey(program(one("frequency_cap: {pushes: 1, per: 1d}")), person).begin()
    per = DAY if capped == "workflow" else HOUR
    assert journey.details.get("capped") == (None if capped is None else {"cap": capped, "pushes": 1, "per": per})


PICTURES = ", icon: '{{ icon }}', image: 'https://a.example/{{ image }}', badge: '{{ badge }}'"


def test_a_picture_that_is_missing_is_left_out_and_said(program: ProgramOf) -> None:
    journey = Journey(program(one(more=PICTURES)), badge="https://a.example/b").begin()
    push = journey.effects[0]
    assert isinstance(push, PushEffect)
    assert (push.icon, push.image, push.badge) == (None, "https://a.example/", "https://a.example/b")
    assert journey.details["push"] == {"effect": push.id, "missing": ["icon", "image"]}


def test_a_picture_that_is_no_url_fails_the_step(program: ProgramOf) -> None:
    journey = Journey(program(one(more=PICTURES)), icon="nowhere").begin()
    assert journey.ended == (FAILED, "step hi: the URL must start with http:// or https://")
    assert (journey.effects, journey.person.profile.pushed) == ([], {})


def test_what_was_missing_is_said_of_a_push_that_goes_nowhere_too(program: ProgramOf) -> None:
    text = one().replace("title: t", "title: 'Hi {{ who }}'")
    assert Journey(program(text)).begin().details["push"]["missing"] == ["who"]
    nowhere = Journey(program(text), somebody(reachable=False)).begin()
    assert nowhere.details["no_subscriber"] == {"missing": ["who"]}
    there = Journey(program(text), who="Ann").begin()
    assert there.details["push"] == {"effect": there.effect("hi")}


@pytest.mark.parametrize(("ttl", "seconds"), [("0s", 0), ("999ms", 0), ("1s", 1), ("1999ms", 1), ("28d", 2_419_200)])
def test_a_push_lives_for_whole_seconds(program: ProgramOf, ttl: str, seconds: int) -> None:
    push = Journey(program(one(more=f", ttl: {ttl}"))).begin().effects[0]
    assert isinstance(push, PushEffect)
    assert push.ttl == seconds


def test_a_push_does_not_stay_on_the_screen_unless_told(program: ProgramOf) -> None:
    for more, stays in (("", False), (", require_interaction: false", False), (", require_interaction: true", True)):
        push = Journey(program(one(more=more))).begin().effects[0]
        assert isinstance(push, PushEffect)
        assert push.require_interaction is stays


@pytest.mark.parametrize("key", ["require_interaction", "transactional"])
def test_switches_are_true_or_false(key: str) -> None:
    assert step_problems(f"{{id: s, {PUSH}, {key}: 1}}}}") == [(f"push.{key}", "must be true or false")]


@pytest.mark.parametrize("status", ["queued", "capped", "no_subscriber", "stale"])
def test_what_became_of_it_can_be_asked_for(program: ProgramOf, status: str) -> None:
    program(one().replace(AFTER, ASK.format(status)))


@pytest.mark.parametrize("status", ["sent", "delivered", "Capped"])
def test_what_never_becomes_of_it_cannot(status: str) -> None:
    [(path, message)] = problems(one().replace(AFTER, ASK.format(status)))
    assert path.startswith("steps[1].decide.cases[0].when.all[0]")
    assert "queued, capped, no_subscriber or stale" in message
