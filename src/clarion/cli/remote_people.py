"""Subscribers, profiles, segments, broadcasts and jobs over HTTP."""

from urllib.parse import urlencode

import msgspec

from clarion.cli.output import View
from clarion.cli.remote_site import RemoteSite, list_in, part
from clarion.cli.whom import Whom

_encode = msgspec.json.encode


class RemotePeople(RemoteSite):
    """The part of an instance that is about people (`clarion.cli.instance`)."""

    def subscribers(self, wanted: View, cursor: str | None, limit: int) -> View:
        facts = wanted.get("facts", {})
        asked = {name: value for name, value in wanted.items() if name != "facts"} | facts
        return self._ask("GET", f"subscribers?{_query(asked | {'cursor': cursor, 'limit': limit})}")

    def change_subscriber(self, device_token_hash: str, change: str, given: View) -> View:
        place = f"subscribers/{part(device_token_hash)}"
        if change == "forget":
            return self._ask("DELETE", place)
        if change == "update":
            return self._ask("PATCH", place, _encode(given))
        return self._ask("POST", f"{place}/{change}", _encode(given))

    def profiles(self, wanted: View, cursor: str | None, limit: int) -> View:
        if "condition" in wanted:
            body = {"condition": wanted["condition"], "limit": limit} | ({} if cursor is None else {"cursor": cursor})
            return self._ask("POST", "profiles/search", _encode(body))
        return self._ask("GET", f"profiles?{_query(wanted | {'cursor': cursor, 'limit': limit})}")

    def add_attributes(self, profile_id: str, attributes: View) -> View:
        return self._ask("PATCH", f"profiles/{part(profile_id)}/attributes", _encode(attributes))

    def remove_attributes(self, profile_id: str, names: list[str]) -> View:
        return self._ask("DELETE", f"profiles/{part(profile_id)}/attributes", _encode(names))

    def change_segments(self, profile_id: str, add: list[str], remove: list[str]) -> View:
        return self._ask("POST", f"profiles/{part(profile_id)}/segments", _encode({"add": add, "remove": remove}))

    def export_person(self, whom: Whom) -> View:
        if whom.profile_id is not None:
            return self._ask("GET", f"profiles/{part(whom.profile_id)}/export")
        return self._ask("GET", f"subscribers/{part(whom.device_token_hash or '')}/export")

    def erase_person(self, profile_id: str) -> View:
        return self._ask("DELETE", f"profiles/{part(profile_id)}")

    def segments(self) -> View:
        return self._ask("GET", "segments?counts=true")

    def create_segment(self, segment: str, given: View) -> View:
        return self._ask("POST", "segments", _encode({"segment": segment} | given))

    def change_segment(self, segment: str, given: View) -> View:
        return self._ask("PATCH", f"segments/{part(segment)}", _encode(given))

    def delete_segment(self, segment: str) -> View:
        return self._ask("DELETE", f"segments/{part(segment)}")

    def send_broadcast(self, given: View) -> View:
        return self._ask("POST", "broadcasts", _encode(given))

    def broadcasts(self, cursor: str | None, limit: int) -> View:
        return self._ask("GET", f"broadcasts?{_query({'cursor': cursor, 'limit': limit})}")

    def broadcast(self, id: str) -> View:
        return self._ask("GET", f"broadcasts/{part(id)}")

    def change_broadcast(self, id: str, change: str) -> View:
        return self._ask("POST", f"broadcasts/{part(id)}/{change}", b"{}")

    def jobs(self, kind: str | None, status: str | None, limit: int) -> list[View]:
        return list_in(self._ask("GET", f"jobs?{_query({'kind': kind, 'status': status, 'limit': limit})}"), "jobs")

    def job(self, id: str) -> View:
        return self._ask("GET", f"jobs/{part(id)}")


def _query(asked: View) -> str:
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in asked.items() if value is not None}
    return urlencode(given)
