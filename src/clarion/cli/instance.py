"""A Clarion instance as commands see it: in a local data directory or behind a URL, with the same answers."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from clarion.cli.failures import WrongUsage
from clarion.cli.output import View


class Instance(Protocol):
    """What can be done to a site of an instance. Every method raises an error that `clarion.cli.failures.describe` knows."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def send_event(self, body: bytes) -> View:
        """Have a Track Event request body accepted."""

    def events(self, after: int, limit: int) -> list[View]:
        """Events of the log above the sequence `after`, in order; with -1 the newest."""

    def workflows(self) -> list[View]:
        """Every workflow."""

    def workflow(self, slug: str) -> View:
        """One workflow with its document and source."""

    def publish(self, text: str) -> View:
        """Publish a document; `created` says whether that made a new version."""

    def pause(self, slug: str) -> View:
        """Pause a workflow."""

    def resume(self, slug: str, skip_older_than: str | None) -> View:
        """Let a workflow go on; `skip_older_than` is a duration such as `24h`."""

    def secrets(self) -> list[View]:
        """Every secret, without its value."""

    def set_secret(self, name: str, value: str) -> View:
        """Set a secret."""

    def remove_secret(self, name: str) -> None:
        """Forget a secret."""

    def profile(self, profile_id: str) -> View:
        """A profile and what belongs to it."""

    def subscriber(self, device_token_hash: str) -> View:
        """The profile that a subscriber belongs to."""


def connect(data: Path | None, server: str | None, key: str | None, site: str | None) -> AbstractContextManager[Instance]:
    """The instance that the options name. Raises WrongUsage if they do not go together."""
    if server is None:
        from clarion.cli.local import LocalInstance

        return LocalInstance(data, site)
    if data is not None:
        raise WrongUsage("--data and --server exclude each other — leave one out")
    if site is not None:
        raise WrongUsage("--site is for a local data directory — over HTTP the API key decides the site")
    if not key:
        raise WrongUsage("--server needs an API key — give --key or set CLARION_API_KEY")
    from clarion.cli.remote import RemoteInstance

    return RemoteInstance(server, key)
