"""What delivery asks of a site: its keys, and whether a workflow's effects may leave now."""

from typing import Protocol

from clarion.delivery.credentials import ApnsKey, FcmKey
from clarion.delivery.vapid import VapidKey


class SiteKeys(Protocol):
    """Answers from memory, at once; raises KeyError for a site that is not known (yet): the delivery is then tried again."""

    def vapid(self, site: int, number: int) -> VapidKey:
        """A key pair that signs the site's pushes, by its number. Raises KeyError for one that the site never had."""

    def fcm(self, site: int) -> FcmKey | None:
        """The service account that sends to the site's Android apps; None where none is set. Raises VaultError when it does not open."""

    def apns(self, site: int) -> ApnsKey | None:
        """The key that sends to the site's iOS app; None where none is set. Raises VaultError when it does not open."""

    def receipt_token(self, site: int, delivery: str, partition: int) -> str:
        """What the receiver of a delivery shows to prove that it got it; nobody else can make it up."""

    def webhook_secret(self, site: int) -> bytes:
        """The bytes of the secret that signs the site's HTTP requests (`clarion.delivery.signing.parse_secret`)."""

    def secret(self, site: int, name: str) -> str | None:
        """The value that an HTTP request may hold for a secret; None where none is set. Raises VaultError when it does not open."""

    def paused(self, site: int, workflow: str) -> bool:
        """True while the workflow's undelivered effects are held (semantics §7)."""
