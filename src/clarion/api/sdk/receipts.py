"""`notification/view|click|close`: a push was seen, clicked or closed, which the delivery's token proves (semantics §1)."""

from clarion.api.sdk.call import Call
from clarion.api.sdk.door import Endpoint
from clarion.api.sdk.sites import named_site
from clarion.contract.errors import success
from clarion.contract.problems import Problems
from clarion.contract.sdk.reading import SiteName, read_object, read_site
from clarion.contract.sdk.receipts import ReceiptRequest, read_receipt
from clarion.contract.sdk.refusals import unknown_receipt
from clarion.control.receipts import record_receipt
from clarion.receipt_tokens import Receivable
from clarion.store.port import NotFound
from clarion.store.records.sites import Site


def posting(event: str) -> Endpoint:
    """The endpoint of service workers for an event."""

    async def post(call: Call) -> bytes:
        return await _record(call, read_receipt(read_object(await call.body()), event), event)

    return post


def getting(event: str) -> Endpoint:
    """The endpoint of the mobile SDKs for an event, which say everything in the query."""

    async def get(call: Call) -> bytes:
        return await _record(call, read_receipt(call.request.query_params, event), event)

    return get


async def _record(call: Call, given: ReceiptRequest, event: str) -> bytes:
    """Note it; the same again counts once, and of what is not kept any more there is nothing to note."""
    site, received = _place(call, given)
    call.open()
    shared = call.shared
    try:
        delivery, place = received.delivery, received.partition
        counted = await record_receipt(shared.store, site, delivery, event, given.action, shared.clock(), shared.new_id, place)
    except NotFound:
        counted = False
    return success({"counted": counted})


def _place(call: Call, given: ReceiptRequest) -> tuple[Site, Receivable]:
    """The site and the delivery of a genuine token; a site that is named has to be the token's. Raises Refusal (404)."""
    directory = call.shared.directory
    problems = Problems()
    named = named_site(directory, [given.site, read_site(problems, call.request.query_params), SiteName(None, call.app_id)])
    problems.refuse()
    for site in directory.sites if named is None else (named,):
        received = directory.received(site.id, given.token)
        if received is not None:
            call.settle_site(site)
            return site, received
    raise unknown_receipt()
