"""The browsers that the push service knows, their subscriptions, and what waits for them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from secrets import token_urlsafe
from uuid import uuid4

from tests.push_service.limits import BROWSERS, CHANNELS, FORGOTTEN, STORED
from tests.push_service.messages import Message, Unacceptable, Wishes

from clarion.clock import Clock


class Full(Exception):
    """There is no room for another one."""


@dataclass
class Channel:
    """A subscription, as its browser and as its senders name it."""

    id: str
    token: str
    key: bytes | None
    """The application server key that it is restricted to (RFC 8292 §4)."""
    stored: dict[str, Message] = field(default_factory=dict)
    """By version, the oldest first: what its browser has not acknowledged."""


@dataclass
class Browser:
    """One that said hello; it may be away now."""

    id: str
    channels: dict[str, Channel] = field(default_factory=dict)
    deliver: Callable[[Channel, Message], None] | None = None
    """Hands a message over; None while the browser is away."""


class Subscriptions:
    """All of them. Nothing in here waits; times come from the clock that was passed in."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._browsers: dict[str, Browser] = {}
        self._tokens: dict[str, tuple[Browser, Channel]] = {}
        self._over: OrderedDict[str, None] = OrderedDict()

    def browser(self, id: str | None) -> Browser:
        """The one with this id, or a new one, with an id of our making. Raises Full."""
        if id is not None and id in self._browsers:
            return self._browsers[id]
        if len(self._browsers) >= BROWSERS:
            raise Full
        made = Browser(uuid4().hex)
        self._browsers[made.id] = made
        return made

    def subscribe(self, browser: Browser, id: str, key: bytes | None) -> Channel | None:
        """The channel, which is the same if it is asked for again; None if it is there for another key. Raises Full."""
        channel = browser.channels.get(id)
        if channel is not None:
            return channel if channel.key == key else None
        if len(browser.channels) >= CHANNELS:
            raise Full
        # a capability URL: who knows it may push (RFC 8030 §8.3)
        channel = Channel(id, token_urlsafe(32), key)
        browser.channels[id] = channel
        self._tokens[channel.token] = (browser, channel)
        return channel

    def unsubscribe(self, browser: Browser, id: str) -> Channel | None:
        """End a subscription with all that waits for it; None if there is no such channel."""
        channel = browser.channels.pop(id, None)
        if channel is None:
            return None
        del self._tokens[channel.token]
        self._over[channel.token] = None
        if len(self._over) > FORGOTTEN:
            self._over.popitem(last=False)
        return channel

    def expire(self, token: str) -> None:
        """End a subscription without a word to its browser, as services do after months of silence. Raises Unacceptable."""
        browser, channel = self._tokens[self.find(token).token]
        self.unsubscribe(browser, channel.id)

    def find(self, token: str) -> Channel:
        """The subscription. Raises Unacceptable: 410 if it is over, 404 if there never was one (RFC 8030 §7.3)."""
        known = self._tokens.get(token)
        if known is None:
            raise Unacceptable(410, "the subscription is over") if token in self._over else Unacceptable(404, "no such subscription")
        return known[1]

    def push(self, token: str, body: bytes, wishes: Wishes) -> Message:
        """Take a message and deliver it now or later. Raises Unacceptable."""
        browser, channel = self._tokens[self.find(token).token]
        self._drop_expired(channel)
        replaced = [version for version, kept in channel.stored.items() if wishes.topic and kept.wishes.topic == wishes.topic]
        if len(channel.stored) - len(replaced) >= STORED:
            raise Unacceptable(429, "too many messages wait for this subscription", {"Retry-After": "60"})
        for version in replaced:
            del channel.stored[version]
        message = Message.taken(token_urlsafe(24), token, body, wishes, self._clock())
        if wishes.ttl:
            channel.stored[message.version] = message
        if browser.deliver is not None:
            browser.deliver(channel, message)
        return message

    def waiting(self, browser: Browser) -> Iterator[tuple[Channel, Message]]:
        """What a browser that is back has missed, oldest first in each subscription."""
        for channel in browser.channels.values():
            self._drop_expired(channel)
            for message in channel.stored.values():
                yield channel, message

    def stored(self, token: str) -> list[Message]:
        """What waits for a subscription. Raises Unacceptable."""
        channel = self.find(token)
        self._drop_expired(channel)
        return list(channel.stored.values())

    @staticmethod
    def acknowledge(browser: Browser, channel: str, version: str) -> None:
        """The browser has a message: it is not delivered again."""
        known = browser.channels.get(channel)
        if known is not None:
            known.stored.pop(version, None)

    def _drop_expired(self, channel: Channel) -> None:
        now = self._clock()
        channel.stored = {version: kept for version, kept in channel.stored.items() if kept.expires > now}
