"""What the tests of explaining share: documents, a short form of what is told, and an engine that sets everything aside."""

import pytest
from tests.control.shop import Shop

from clarion.control.explain import Whom, explain_absence
from clarion.control.explain.answers import AbsenceAnswer, ToldInput
from clarion.engine.apply import Applier

CART = """
workflow: cart
start:
  on: [{event: add_to_cart, where: {all: [{field: event.cart_id, op: exists}, {field: event.price, op: gte, value: 20}]}}]
  key: event.cart_id
exit: [{event: purchase, where: {all: [{field: event.cart_id, op: eq, value: {from: entry.cart_id}}]}}]
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: Hi, message: "{{ name }}", url: "https://shop.example/"}}
"""


def document(start: str = "on: [{event: go}]", steps: str = "[{id: hour, wait: {for: 1h}}]", slug: str = "w") -> str:
    return f"workflow: {slug}\nstart: {{{start}}}\nsteps: {steps}\n"


def told(items: tuple[ToldInput, ...]) -> list[tuple[str, str, list[str]]]:
    """Kind, name and sentences of a timeline."""
    return [
        (
            one.kind,
            one.name,
            [verdict.sentence for verdict in one.verdicts]
            + [reason.sentence for run in one.runs for reason in run.reasons]
            + ([] if one.delivery is None else [one.delivery.sentence]),
        )
        for one in items
    ]


async def why(shop: Shop, workflow: str = "w", profile: str = "ann") -> AbsenceAnswer:
    return await explain_absence(shop.store, shop.site, Whom(profile), workflow)


def break_engine(patched: pytest.MonkeyPatch) -> None:
    """From now on every event is set aside."""

    def fail(*_: object) -> str:
        raise RuntimeError("no \x1b[31mluck")

    patched.setattr(Applier, "plain", lambda *_: None)
    patched.setattr(Applier, "event", fail)
