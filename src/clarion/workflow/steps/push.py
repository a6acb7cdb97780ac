"""`push`: a message to each active subscriber of the profile."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.calendar import quiet_until
from clarion.domain.records import FrequencyCap
from clarion.domain.templates import Template
from clarion.workflow.effects import PushEffect
from clarion.workflow.fields import Duration, TemplateText, Url
from clarion.workflow.filling import Filling
from clarion.workflow.settings import LONGEST_PER, MOST_PUSHES
from clarion.workflow.shapes import Choice, Flag, ListOf, Object, Shape
from clarion.workflow.step import Forward, Leaf, Move, Sleep, Visit

STATUSES: Final = ("queued", "capped", "no_subscriber", "stale")
"""What can have become of the push when the step is over."""
SECOND: Final = 1_000_000
LONGEST_TTL: Final = 28 * 86_400 * SECOND


class Action(msgspec.Struct, frozen=True):
    """A button of the notification."""

    title: Template
    url: Template


class Push(Leaf, msgspec.Struct, frozen=True):
    """Renders the message and goes on at once; in quiet hours it stays until they end (semantics §6)."""

    kind: ClassVar[str] = "push"
    shape: ClassVar[Shape] = Object(
        {"title": TemplateText(most=500), "message": TemplateText(most=2000), "url": Url(whole=True)},
        {
            "icon": Url(whole=True),
            "image": Url(whole=True),
            "badge": Url(whole=True),
            "actions": ListOf(Object({"title": TemplateText(most=200), "url": Url(whole=True)}), most=2),
            "tag": TemplateText(most=200),
            "ttl": Duration(most=LONGEST_TTL, says="must be at most 28d"),
            "urgency": Choice("very-low", "low", "normal", "high"),
            "require_interaction": Flag(),
            "transactional": Flag(),
        },
    )

    id: str
    title: Template
    message: Template
    url: Template
    icon: Template | None = None
    image: Template | None = None
    badge: Template | None = None
    actions: tuple[Action, ...] = ()
    tag: Template | None = None
    ttl: int = LONGEST_TTL
    """Microseconds."""
    urgency: str = "normal"
    require_interaction: bool = False
    transactional: bool = False
    """Passes quiet hours and caps."""

    @classmethod
    def build(cls, id: str, value: Any) -> "Push":
        actions = tuple(Action(**action) for action in value.get("actions", ()))
        return cls(id=id, **(value | {"actions": actions}))

    def enter(self, visit: Visit) -> Move:
        if visit.stale:
            return self._pass(visit, "stale")
        quiet = visit.settings.quiet_hours
        if quiet is not None and not self.transactional:
            until = quiet_until(visit.now, quiet, visit.timezone)
            if until is not None:
                visit.note("quiet_hours", {"until": until})
                return Sleep(until)
        return self._send(visit)

    def wake(self, visit: Visit) -> Move:
        """The quiet hours are over, unless the subscriber has gone elsewhere meanwhile."""
        return self.enter(visit)

    def _pass(self, visit: Visit, outcome: str, detail: dict[str, Any] | None = None) -> Move:
        visit.output = {"status": outcome}
        visit.count(outcome)
        visit.note(outcome, detail)
        return Forward()

    def _send(self, visit: Visit) -> Move:
        effect, detail = self._render(visit)
        if not visit.reachable:
            return self._pass(visit, "no_subscriber", detail)
        if not self.transactional:
            for name, cap in _caps(visit):
                recent = _recent(visit, name, cap)
                if len(recent) >= cap.pushes:
                    return self._pass(visit, "capped", {"cap": "workflow" if name else "site", "pushes": cap.pushes, "per": cap.per})
        _take(visit)
        visit.effects.append(effect)
        visit.output = {"status": "queued"}
        visit.note("push", {"effect": effect.id} | detail)
        return Forward()

    def _render(self, visit: Visit) -> tuple[PushEffect, dict[str, Any]]:
        fill = Filling(visit)

        def picture(template: Template | None) -> str | None:
            """A picture whose URL is not there is left out; the message goes all the same."""
            if template is None or (template.is_single_output and not fill.text(template)):
                return None
            return fill.url(template)

        effect = PushEffect(
            visit.effect_id,
            self.id,
            title=fill.text(self.title),
            message=fill.text(self.message),
            url=fill.url(self.url),
            icon=picture(self.icon),
            image=picture(self.image),
            badge=picture(self.badge),
            actions=tuple((fill.text(action.title), fill.url(action.url)) for action in self.actions),
            tag=None if self.tag is None else fill.text(self.tag),
            ttl=self.ttl // SECOND,
            urgency=self.urgency,
            require_interaction=self.require_interaction,
        )
        return effect, fill.detail()


def _caps(visit: Visit) -> Iterator[tuple[str, FrequencyCap]]:
    """The caps that a push counts for, by the name under which the profile remembers its pushes."""
    if visit.settings.frequency_cap is not None:
        yield visit.run.workflow, visit.settings.frequency_cap
    if visit.site_cap is not None:
        yield "", visit.site_cap


def _recent(visit: Visit, name: str, cap: FrequencyCap) -> tuple[int, ...]:
    """Times of the pushes that still count: the window is rolling, and a push leaves it after exactly its length."""
    return tuple(at for at in visit.profile.pushed.get(name, ()) if at > visit.now - cap.per)


def _take(visit: Visit) -> None:
    """Count this push; a transactional one counts too, although it passes.

    Every push is remembered for as long, and as many of them, as any cap may ask for: one may be set, or change, while runs are under way.
    """
    known, since = visit.profile.pushed, visit.now - LONGEST_PER
    pushed = {name: times for name, times in known.items() if times[-1] > since}
    for name in ("", visit.run.workflow):
        pushed[name] = (*(at for at in known.get(name, ())[1 - MOST_PUSHES :] if at > since), visit.now)
    visit.profile = msgspec.structs.replace(visit.profile, pushed=pushed)
