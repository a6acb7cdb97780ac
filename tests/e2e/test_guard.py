"""With the switch off, as it is by default: nothing on this machine or its network is called, whatever a URL looks like."""

from tests.delivery.receiver import receiving, status
from tests.e2e.conftest import Start
from tests.e2e.server import unique

HOSTS = ["127.0.0.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "[fd00::1]"]


async def test_private_targets_are_blocked_at_the_socket(start: Start) -> None:
    server = start(dangerous_allow_private_targets="false")
    event, person = unique("go"), unique("ann")
    async with receiving(status(200)) as inside, server.api() as api:
        port = inside.url.rpartition(":")[2].partition("/")[0]
        steps = [{"id": f"call{number}", "http": {"url": f"http://{host}:{port}/x"}} for number, host in enumerate(HOSTS)]
        await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["failed"] * len(HOSTS))
        assert not inside.requests
    for delivery in profile["deliveries"]:
        [attempt] = delivery["attempts"]
        assert "status" not in attempt
        assert attempt["error"]


async def test_a_subscription_on_this_machine_is_refused(start: Start) -> None:
    server = start(dangerous_allow_private_targets="false")
    async with server.api() as api:
        keys = {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        }
        for endpoint in ("http://127.0.0.1:9/x", "https://127.0.0.1/x", "https://localhost/x", "https://evil.example/x"):
            answer = await api.ask("POST", "/subscribers", {"subscription": {"endpoint": endpoint, "keys": keys}})
            assert answer.status == 400
            assert answer.json["error"]["details"][0]["path"] == ["subscription", "endpoint"]
        endpoint = "https://fcm.googleapis.com/fcm/send/abc"
        assert (await api.ask("POST", "/subscribers", {"subscription": {"endpoint": endpoint, "keys": keys}})).status == 200
