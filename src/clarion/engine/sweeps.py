"""What an owner does with all profiles of a site that were there at one moment: broadcasts, and new definitions of segments."""

import msgspec

from clarion.domain.records import Profile
from clarion.store.records.bodies import BroadcastStart, SegmentChange
from clarion.store.records.states import Sweep

_BROADCAST = "broadcast:"
_SEGMENT = "segment:"

FORGET = "forget"
DEFINE = "define"
"""What may become of a segment."""

_encode = msgspec.json.Encoder().encode
_decode_broadcast = msgspec.json.Decoder(BroadcastStart).decode
_decode_segment = msgspec.json.Decoder(SegmentChange).decode


class Underway(msgspec.Struct, frozen=True):
    """A sweep, with what was asked for."""

    sweep: Sweep
    asked: BroadcastStart | SegmentChange

    @property
    def key(self) -> tuple[int, str]:
        """(site, id)."""
        return self.sweep.site, self.sweep.id

    @property
    def workflow(self) -> str | None:
        """Slug of the workflow that a broadcast starts; None for a segment's."""
        return self.asked.workflow if isinstance(self.asked, BroadcastStart) else None

    @property
    def is_repeatable(self) -> bool:
        """Whether a second turn of a profile changes nothing that the first one did: who is in a dynamic segment follows from the rest."""
        return isinstance(self.asked, SegmentChange) and self.asked.change == DEFINE

    def concerns(self, profile: Profile) -> bool:
        """Whether a profile was there when it was asked for, and has not had its turn."""
        sweep = self.sweep
        if profile.created > sweep.at or profile.key <= sweep.cursor or profile.merged is not None:  # texts compare as their UTF-8 does
            return False
        return sweep.entry not in profile.offered


def underway(sweep: Sweep) -> Underway:
    """A sweep as it is kept. Raises msgspec.MsgspecError."""
    is_broadcast = sweep.id.startswith(_BROADCAST)
    return Underway(sweep, _decode_broadcast(sweep.body) if is_broadcast else _decode_segment(sweep.body))


def sweep_of(site: int, asked: BroadcastStart | SegmentChange, entry: str, now: int) -> Sweep:
    """The sweep that an entry asks for. It takes the place of an earlier one of its broadcast or segment."""
    return Sweep(site, sweep_id(asked), now, entry, msgspec.Raw(_encode(asked)))


def sweep_id(asked: BroadcastStart | SegmentChange) -> str:
    """As of a `Sweep`."""
    return _BROADCAST + asked.broadcast if isinstance(asked, BroadcastStart) else _SEGMENT + asked.segment
