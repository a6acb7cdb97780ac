"""Which partition is whose: subscribers have their home, profiles live somewhere (semantics §1)."""

import msgspec

from clarion.domain.ids import partition_of, partition_of_profile


class Homes(msgspec.Struct, frozen=True):
    """The partitions, seen from one of them."""

    partitions: int = 1
    here: int = 0
    """The one that applies inputs."""

    def of_subscriber(self, site: int, device_token_hash: str) -> int:
        """The partition that says whose a subscriber is; its anonymous profile lives there too."""
        return partition_of(site, device_token_hash, self.partitions)

    def of_profile(self, site: int, profile: str) -> int:
        """The partition that a profile lives in, by its key."""
        return partition_of_profile(site, profile, self.partitions)

    def has_subscriber(self, site: int, device_token_hash: str) -> bool:
        """Whether this partition is a subscriber's home; else there is a copy here at most."""
        return self.partitions == 1 or self.of_subscriber(site, device_token_hash) == self.here

    def has_profile(self, site: int, profile: str) -> bool:
        """Whether a profile lives in this partition."""
        return self.partitions == 1 or self.of_profile(site, profile) == self.here


ALONE = Homes()
"""There is only one partition."""
