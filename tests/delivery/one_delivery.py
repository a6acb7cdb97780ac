"""Run as a process of its own: send one delivery to the URL given, and print its outcome."""

import asyncio
import random
import sys

from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient
from clarion.delivery.worker import DeliveryWorker

from .outbox import FakeClock, FakeKeys, FakeOutbox, http


async def main(url: str) -> None:
    outbox, client = FakeOutbox(), HttpClient(Guard(dangerous_allow_private_targets=True))
    worker = DeliveryWorker(outbox, FakeKeys(), client, FakeClock(), random.Random(1))
    outbox.put(http(1, url))
    await worker.start()
    (report,) = await outbox.until_reported()
    await worker.stop(grace=5)
    await client.close()
    print(report.outcome)  # noqa: T201 - read by the test


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
