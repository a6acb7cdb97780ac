"""`push`: a message to each active subscriber of the profile."""

from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.templates import Rendered, Template, escapes
from clarion.domain.urls import render_url
from clarion.workflow.effects import PushEffect
from clarion.workflow.fields import Duration, TemplateText, Url
from clarion.workflow.shapes import Choice, Flag, ListOf, Object, Reading, Shape
from clarion.workflow.step import Forward, Leaf, Move, Visit

SECOND: Final = 1_000_000
LONGEST_TTL: Final = 28 * 86_400 * SECOND


class Action(msgspec.Struct, frozen=True):
    """A button of the notification."""

    title: Template
    url: Template


class Push(Leaf, msgspec.Struct, frozen=True, kw_only=True):
    """Renders the message and goes on at once."""

    kind: ClassVar[str] = "push"
    shape: ClassVar[Shape] = Object(
        {"title": TemplateText(most=500), "message": TemplateText(most=2000), "url": Url()},
        {
            "icon": Url(),
            "image": Url(),
            "badge": Url(),
            "actions": ListOf(Object({"title": TemplateText(most=200), "url": Url()}), most=2),
            "tag": TemplateText(most=200),
            "ttl": Duration(0, LONGEST_TTL, "must be at most 28d"),
            "urgency": Choice("very-low", "low", "normal", "high"),
            "require_interaction": Flag(),
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

    @classmethod
    def build(cls, id: str, value: Any, path: Path, reading: Reading) -> "Push":
        actions = tuple(Action(**action) for action in value.get("actions", ()))
        return cls(id=id, **(value | {"actions": actions}))

    def enter(self, visit: Visit) -> Move:
        missing: list[str] = []

        def text(template: Template | None) -> str | None:
            return None if template is None else keep(template.render(visit.scope, escapes.text))

        def url(template: Template | None) -> str | None:
            return None if template is None else keep(render_url(template, visit.scope))

        def keep(rendered: Rendered) -> str:
            missing.extend(rendered.missing)
            return rendered.text

        visit.effects.append(
            PushEffect(
                visit.effect_id,
                self.id,
                title=text(self.title) or "",
                message=text(self.message) or "",
                url=url(self.url) or "",
                icon=url(self.icon),
                image=url(self.image),
                badge=url(self.badge),
                actions=tuple((text(action.title) or "", url(action.url) or "") for action in self.actions),
                tag=text(self.tag),
                ttl=self.ttl // SECOND,
                urgency=self.urgency,
                require_interaction=self.require_interaction,
            )
        )
        detail: dict[str, Any] = {"effect": visit.effect_id}
        if missing:
            detail["missing"] = sorted(set(missing))
        visit.note("push", detail)
        return Forward()
