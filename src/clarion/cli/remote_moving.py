"""Imports, exports, and the keys of a site over HTTP."""

from abc import abstractmethod

import msgspec

from clarion.cli.output import View
from clarion.cli.remote_site import RemoteSite, list_in, part

_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


class RemoteMoving(RemoteSite):
    """The part of an instance that moves people in and out, and keeps the site's keys (`clarion.cli.instance`)."""

    @abstractmethod
    def _fetch(self, path: str, header: str) -> tuple[bytes, str | None]:
        """The body of an answer as it is, and one of its headers. Raises Failure."""

    def start_import(self, what: str, name: str) -> View:
        return self._ask("POST", "imports", msgspec.json.encode({"what": what, "name": name}))

    def import_rows(self, job: str, offset: int, content: bytes, form: str) -> View:
        return self._ask("POST", f"imports/{part(job)}/rows?offset={offset}", content, _TYPES[form])

    def end_import(self, job: str, status: str) -> View:
        return self._ask("POST", f"imports/{part(job)}/{'finish' if status == 'done' else 'stop'}", b"{}")

    def export_page(self, what: str, form: str, cursor: str | None, limit: int, *, addresses: bool) -> tuple[bytes, str | None]:
        more = ("&addresses=true" if addresses else "") + ("" if cursor is None else f"&cursor={part(cursor)}")
        return self._fetch(f"exports/{part(what)}?format={form}&limit={limit}{more}", "Clarion-Cursor")

    def site_keys(self) -> list[View]:
        return list_in(self._ask("GET", "site/keys"), "keys")

    def rotate_vapid(self, vapid_subject: str | None) -> View:
        given = {} if vapid_subject is None else {"vapid_subject": vapid_subject}
        return self._ask("POST", "site/vapid/rotate", msgspec.json.encode(given))

    def rotate_identity(self) -> View:
        return self._ask("POST", "site/identity/rotate", b"{}")

    def set_fcm(self, service_account: View) -> View:
        return self._ask("PUT", "site/fcm", msgspec.json.encode({"service_account": service_account}))

    def set_apns(self, given: View) -> View:
        return self._ask("PUT", "site/apns", msgspec.json.encode(given))

    def remove_site_key(self, kind: str) -> None:
        self._ask("DELETE", f"site/keys/{part(kind)}")
