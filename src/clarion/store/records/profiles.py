"""A profile as it is looked at."""

import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import RunRow


class ProfileView(msgspec.Struct, frozen=True):
    """A profile with what belongs to it, newest first, each list bounded."""

    profile: Profile
    subscribers: list[Subscriber]
    runs: list[RunRow]
    deliveries: list[DeliveryRow]
    explanations: list[Explanation]
