"""A Clarion instance as commands see it: in a local data directory or behind a URL, with the same answers."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, Self

from clarion.cli.failures import WrongUsage
from clarion.cli.output import View
from clarion.cli.whom import Whom


class Instance(Protocol):
    """What can be done to a site of an instance. Every method raises an error that `clarion.cli.failures.describe` knows."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def send_event(self, body: bytes) -> View:
        """Have a Track Event request body accepted; `event_id`: its id in the log, where that is known."""

    def events(self, after: str, limit: int) -> tuple[list[View], str]:
        """Events of the log behind the cursor `after`, in order, with an empty one the newest; and the cursor to go on after."""

    def workflows(self) -> list[View]:
        """Every workflow."""

    def workflow(self, slug: str) -> View:
        """One workflow with its document and source."""

    def plan(self, text: str) -> View:
        """What publishing a document would do."""

    def publish(self, text: str, runs: str) -> View:
        """Publish a document; `runs` says what becomes of runs in flight: keep, move, end. `created`: whether that made a new version."""

    def change_workflow(self, slug: str, change: str, skip_older_than: str | None) -> View:
        """pause, resume, drain, activate, archive; `skip_older_than`, at the end of a pause, is a duration such as `24h`."""

    def draft(self, slug: str) -> View:
        """A workflow's draft, with what is wrong with it."""

    def save_draft(self, slug: str, text: str) -> View:
        """Keep a draft, valid or not."""

    def discard_draft(self, slug: str) -> None:
        """Forget a draft."""

    def publish_draft(self, slug: str, runs: str) -> View:
        """Publish a draft, as `publish`."""

    def duplicate(self, slug: str, new: str) -> View:
        """Keep a workflow's document as the draft of a new one; returns that."""

    def counters(self, slug: str, period: str, since: str | None, until: str | None) -> View:
        """What happened at a workflow's versions and steps."""

    def runs(self, workflow: str | None, status: str | None, limit: int) -> list[View]:
        """Runs, newest first."""

    def run(self, run: str) -> View:
        """A run with what started it and its deliveries."""

    def change_run(self, run: str, change: str, step: str | None, reason: str | None) -> View:
        """stop, retry, move; returns the run as it stood before."""

    def poisoned(self, limit: int) -> list[View]:
        """Inputs that were set aside, newest first."""

    def retry_poisoned(self, id: str) -> View:
        """Have an input applied again."""

    def discard_poisoned(self, id: str) -> View:
        """Give an input up."""

    def change_site(self, settings: dict[str, Any]) -> View:
        """Change `name`, `timezone`, `frequency_cap` of the site; what is not named stays."""

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

    def subscribers(self, wanted: View, cursor: str | None, limit: int) -> View:
        """A page of subscribers; `wanted` has any of `active`, `provider`, `profile_id`, `segment` and `facts`."""

    def change_subscriber(self, device_token_hash: str, change: str, given: View) -> View:
        """identify (`profile_id`), logout, unsubscribe, subscribe, forget, update (facts)."""

    def profiles(self, wanted: View, cursor: str | None, limit: int) -> View:
        """A page of profiles; `wanted` has any of `segment`, `prefix`, `anonymous`, or `condition` alone."""

    def add_attributes(self, profile_id: str, attributes: View) -> View:
        """Add attributes to a profile."""

    def remove_attributes(self, profile_id: str, names: list[str]) -> View:
        """Remove attributes of a profile."""

    def change_segments(self, profile_id: str, add: list[str], remove: list[str]) -> View:
        """Put a profile into segments and take it out of others."""

    def export_person(self, whom: Whom) -> View:
        """Everything that is kept of a person."""

    def erase_person(self, profile_id: str) -> View:
        """Have nothing of a person left; returns the job that sees to it."""

    def segments(self) -> View:
        """Segments with how many are in each."""

    def create_segment(self, segment: str, given: View) -> View:
        """Define a segment; `given` has any of `name`, `condition`, `backfill_events`."""

    def change_segment(self, segment: str, given: View) -> View:
        """Change what is given of a segment."""

    def delete_segment(self, segment: str) -> View:
        """Give a segment up."""

    def send_broadcast(self, given: View) -> View:
        """Send a push to many: `push`, `to`, `at`, `timezone`, `transactional`, `name`, `broadcast_id`."""

    def broadcasts(self, cursor: str | None, limit: int) -> View:
        """A page of broadcasts."""

    def broadcast(self, id: str) -> View:
        """A broadcast and how far it is."""

    def change_broadcast(self, id: str, change: str) -> View:
        """pause, resume, stop."""

    def jobs(self, kind: str | None, status: str | None, limit: int) -> list[View]:
        """Jobs, newest first."""

    def job(self, id: str) -> View:
        """A job and how far it is."""

    def start_import(self, what: str, name: str) -> View:
        """Begin an import of `profiles` or `subscribers`; returns its job."""

    def import_rows(self, job: str, offset: int, content: bytes, form: str) -> View:
        """Give an import a chunk of rows, `csv` or `ndjson`, that stands behind so many rows of the file; returns its job."""

    def end_import(self, job: str, status: str) -> View:
        """Say that an import is `done`, or `stopped`."""

    def export_page(self, what: str, form: str, cursor: str | None, limit: int, *, addresses: bool) -> tuple[bytes, str | None]:
        """A page of `profiles` or `subscribers`, and the cursor to go on with."""

    def site_keys(self) -> list[View]:
        """Keys of the site beside its current VAPID key, without what is secret."""

    def rotate_vapid(self, vapid_subject: str | None) -> View:
        """Give the site a new VAPID key."""

    def rotate_identity(self) -> View:
        """Give the site a new secret that signs profile_ids; `identity_secret` is shown this once."""

    def set_fcm(self, service_account: View) -> View:
        """Keep the service account for Android apps."""

    def set_apns(self, given: View) -> View:
        """Keep the key for iOS apps: `key`, `key_id`, `team_id`, `topic`, `sandbox`."""

    def remove_site_key(self, kind: str) -> None:
        """Forget a key: identity, fcm, apns."""

    def explain_event(self, event: str) -> View:
        """What an event did and did not do."""

    def explain_run(self, run: str) -> View:
        """Every step of a run."""

    def timeline(self, whom: Whom, workflow: str | None, limit: int, before: str | None) -> View:
        """What happened to a person, newest last."""

    def absence(self, whom: Whom, workflow: str) -> View:
        """Why a person did not get a workflow's message."""


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
