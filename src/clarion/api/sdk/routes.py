"""The addresses of `/p/v1`."""

from collections.abc import Mapping
from typing import Final

from starlette.routing import Route

from clarion.api.context import Context
from clarion.api.sdk import attributes, happenings, logs, persons, receipts, registration, segments, subscribers, sync
from clarion.api.sdk.call import Call
from clarion.api.sdk.door import Door, Endpoint
from clarion.contract.errors import not_found
from clarion.contract.sdk.receipts import EVENTS

_SUBSCRIBER: Final = "/p/v1/subscriber/{device_token_hash:rest}"


async def _nothing(call: Call) -> bytes:
    raise not_found()


SDK_ROUTES: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "/p/v1/sites/{app_id}/sync/{platform}": {"GET": sync.sync},
    "/p/v1/subscriber/add": {"POST": registration.add},
    "/p/v1/subscriber/upgrade": {"PUT": registration.upgrade, "POST": registration.upgrade},
    "/p/v1/subscriber/profile-id/add": {"POST": persons.identify},
    "/p/v1/subscriber/logout": {"POST": persons.logout},
    "/p/v1/subscriber/segments/add": {"POST": segments.add},
    "/p/v1/subscriber/segments/remove": {"POST": segments.remove},
    "/p/v1/subscriber/dynamicSegments/add": {"POST": segments.add_for_a_while},
    "/p/v1/subscriber/dynamicSegments/remove": {"POST": segments.remove},
    "/p/v1/subscriber/segments/segmentHashArray": {"POST": segments.add_by_id},
    "/p/v1/subscriber/timezone/add": {"POST": subscribers.set_timezone},
    "/p/v1/updatesubscriberstatus": {"POST": subscribers.set_status},
    "/p/v1/subscriber/updatesubscriberstatus": {"POST": subscribers.set_status},
    "/p/v1/updatetriggerstatus": {"POST": subscribers.set_trigger_status},
    "/p/v1/subscriber/updatetriggerstatus": {"POST": subscribers.set_trigger_status},
    "/p/v1/subscriber/check/{device_token_hash:rest}": {"GET": subscribers.check},
    f"{_SUBSCRIBER}/attributes": {
        "GET": attributes.show,
        "PUT": attributes.add,
        "POST": attributes.replace,
        "DELETE": attributes.remove,
    },
    f"{_SUBSCRIBER}/fields": {"DELETE": subscribers.remove_fields},
    _SUBSCRIBER: {"GET": subscribers.show, "PUT": subscribers.update, "POST": subscribers.update},
    "/p/v1/goals": {"POST": happenings.goal},
    "/p/v1/trigger": {"PUT": happenings.trigger},
    "/p/v1/trigger/": {"PUT": happenings.trigger},
    "/p/v1/alerts": {"POST": happenings.alert},
    "/p/v1/logs": {"POST": logs.log},
    **{f"/p/v1/notification/{word}": {"POST": receipts.posting(event), "GET": receipts.getting(event)} for word, event in EVENTS.items()},
    "/p/v1/{nothing:rest}": {"GET": _nothing, "POST": _nothing, "PUT": _nothing, "DELETE": _nothing},
}
"""By path and method. Where the Android SDK registers again it repeats a PUT as a POST, so what it puts can be posted too."""


def sdk_routes(shared: Context) -> list[Route]:
    """The routes, in the order in which they are tried."""
    requests = shared.metrics.taking.requests
    return [Route(path, Door(methods, requests)) for path, methods in SDK_ROUTES.items()]
