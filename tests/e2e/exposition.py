"""`/metrics` of a server, read by Prometheus' own parser."""

from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from tests.e2e.server import Listener
from tests.server.client import Response, request

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]

LARGEST: Final = 1_000_000
"""Bytes: a scrape of a test's server is far from it."""


async def scrape(server: Listener, *headers: str) -> Response:
    """Ask for the metrics on a connection of its own."""
    async with server.connect() as client:
        return await client.ask(request("GET", "/metrics", b"", *headers))


async def samples(server: Listener) -> Samples:
    """Every sample, by name and labels. Fails if one is there twice, or a family is."""
    answer = await scrape(server)
    assert answer.status == 200, answer
    assert len(answer.body) < LARGEST
    families = list(text_string_to_metric_families(answer.body.decode()))
    assert len({family.name for family in families}) == len(families)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in families:
        assert family.documentation
        assert family.type != "unknown"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    """One sample's value; None if it is not there."""
    return found.get((name, tuple(sorted(labels.items()))))


def values(found: Samples, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a name, by the values of their labels in order of the labels' names; those that are not 0."""
    return {tuple(text for _, text in labels): number for (each, labels), number in found.items() if each == name and number}
