"""An outcome as the arguments of `clarion_commit`: documents, and beside them, as texts, what has to stay as it is to the last digit."""

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from clarion.store.port import StoreError
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import NewEntry
from clarion.store.records.runs import RunRow

T = TypeVar("T", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode
_replace = msgspec.structs.replace

_NOTHING: Final = msgspec.Raw(b"0")
"""Stands in a document where the text itself goes beside it."""
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def document(rows: Sequence[Any]) -> str | None:
    """Rows as one JSON document, None where there are none. PostgreSQL's texts hold no U+0000: it becomes U+FFFD."""
    if not rows:
        return None
    encoded = _encode(rows)
    if b"\\u0000" in encoded:
        encoded = _NUL.sub(rb"\1\\ufffd", encoded)
    return encoded.decode()


def arguments(outcome: Outcome) -> tuple[Any, ...]:
    """In the order of the function's parameters. Raises StoreError where the moves do not follow each other."""
    state = outcome.state
    profiles = {(site, one.key): one for site, one in outcome.profiles}
    subscribers = {(site, one.device_token_hash): one for site, one in outcome.subscribers}
    runs = _last(outcome.runs, attrgetter("id"))
    sweeps = _last(outcome.sweeps, attrgetter("site", "id"))
    poisoned = _last(outcome.poisoned, attrgetter("id"))
    return (
        state.partition,
        state.epoch,
        state.sequence,
        state.log_time,
        state.resumed,
        outcome.first,
        *_moved(outcome.moved),
        document([_Logged(sequence, at, one.kind, one.site, one.id, one.received) for sequence, at, one in outcome.logged]),
        [one.body.decode() for _, _, one in outcome.logged] or None,
        [site for site, _ in outcome.erased] or None,
        [profile for _, profile in outcome.erased] or None,
        [site for site, _ in profiles] or None,
        document(list(profiles.values())),
        [site for site, _ in subscribers] or None,
        document(list(subscribers.values())),
        [site for site, _ in outcome.gone_subscribers] or None,
        [device for _, device in outcome.gone_subscribers] or None,
        document([_replace(run, state=_NOTHING) for run in runs]),
        [_text(run.state) for run in runs] or None,
        [_device(run) for run in runs] or None,
        outcome.gone_runs or None,
        document(_last(outcome.memory, attrgetter("site", "profile", "workflow", "key"))),
        document(_last(outcome.workflows, attrgetter("site", "workflow"))),
        document(_last(outcome.sites, attrgetter("site"))),
        [site for site, _ in outcome.gone_segments] or None,
        [segment for _, segment in outcome.gone_segments] or None,
        document(_last(outcome.segments, attrgetter("site", "segment"))),
        [site for site, _ in outcome.ended_sweeps] or None,
        [id_ for _, id_ in outcome.ended_sweeps] or None,
        document([_replace(one, body=_NOTHING) for one in sweeps]),
        [_text(one.body) for one in sweeps] or None,
        document([_replace(one, body=_NOTHING) for one in outcome.explanations]),
        [_text(one.body) for one in outcome.explanations] or None,
        document(outcome.counts),
        document([_replace(one, body=_NOTHING) for one in poisoned]),
        [_text(one.body) for one in poisoned] or None,
        document([_replace(one, job=_NOTHING) for one in outcome.deliveries]),
        [_text(one.job) for one in outcome.deliveries] or None,
        document([_emitted(one) for one in outcome.emitted]),
        [one.body.decode() for one in outcome.emitted] or None,
        [site for site, _ in outcome.hold] or None,
        [workflow for _, workflow in outcome.hold] or None,
    )


class _Logged(msgspec.Struct, frozen=True):
    sequence: int
    log_time: int
    kind: str
    site: int
    id: str
    received: int


class _Emitted(msgspec.Struct, frozen=True, omit_defaults=True):
    partition: int
    kind: str
    site: int
    id: str
    received: int
    target: str | None = None
    event_id: str | None = None
    content: str | None = None


def _emitted(entry: NewEntry) -> _Emitted:
    if entry.claim is None:
        return _Emitted(entry.partition, entry.kind, entry.site, entry.id, entry.received)
    claim = entry.claim
    return _Emitted(entry.partition, entry.kind, entry.site, entry.id, entry.received, claim.target, claim.event_id, claim.content)


def _moved(moved: Sequence[LogMove]) -> tuple[Any, ...]:
    """The first one's sequence, the time of all, which entries, and to which profiles they were applied."""
    if not moved:
        return None, None, None, None
    first = moved[0]
    if moved[-1].sequence - first.sequence != len(moved) - 1 or any(one.log_time != first.log_time for one in moved):
        raise StoreError("Inbox entries are logged with sequences one after the other, at one time.")
    return first.sequence, first.log_time, [one.position for one in moved], [one.profile for one in moved]


def _last(rows: Iterable[T], key: "attrgetter[Any]") -> list[T]:
    """One row of each key: the last."""
    return list({key(row): row for row in rows}.values())


def _text(raw: msgspec.Raw) -> str:
    return str(raw, "utf-8")


class _Entry(msgspec.Struct, frozen=True):
    device_token_hash: str | None = None


class _State(msgspec.Struct, frozen=True):
    """What the store knows of a run's state."""

    entry: _Entry | None = None


_decode_state = msgspec.json.Decoder(_State).decode


def _device(run: RunRow) -> str | None:
    """The device_token_hash that the run's entry event named."""
    try:
        entry = _decode_state(run.state).entry
    except msgspec.MsgspecError:
        return None  # some other state, which the store keeps all the same
    return None if entry is None else entry.device_token_hash
