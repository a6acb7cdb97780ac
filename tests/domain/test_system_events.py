"""Names that documents, clients and stored data have in them: the same for ever."""

from clarion.domain import system_events
from clarion.domain.secret_marks import mark, marked, replace_marks

SUBSCRIBERS = {f"PushEngage.Subscriber.{what}" for what in ("Add", "Remove", "Update", "AddSegment", "RemoveSegment", "Identify")}
NOTIFICATIONS = {f"PushEngage.Notification.{what}" for what in ("Sent", "Viewed", "Clicked", "Closed", "Failed")}


def test_the_names_of_system_events() -> None:
    assert system_events.PREFIX == "PushEngage."
    assert system_events.NOTIFICATIONS == NOTIFICATIONS
    assert NOTIFICATIONS | SUBSCRIBERS <= system_events.LISTENABLE
    assert system_events.WORKFLOW_START == "PushEngage.Workflow.Start"
    assert system_events.WORKFLOW_START not in system_events.LISTENABLE


def test_each_name_says_what_happened() -> None:
    assert system_events.SUBSCRIBER_ADDED == "PushEngage.Subscriber.Add"
    assert system_events.SUBSCRIBER_REMOVED == "PushEngage.Subscriber.Remove"
    assert system_events.SUBSCRIBER_UPDATED == "PushEngage.Subscriber.Update"
    assert system_events.SEGMENT_ADDED == "PushEngage.Subscriber.AddSegment"
    assert system_events.SEGMENT_REMOVED == "PushEngage.Subscriber.RemoveSegment"
    assert system_events.IDENTIFIED == "PushEngage.Subscriber.Identify"
    assert system_events.SENT == "PushEngage.Notification.Sent"
    assert system_events.VIEWED == "PushEngage.Notification.Viewed"
    assert system_events.CLICKED == "PushEngage.Notification.Clicked"
    assert system_events.CLOSED == "PushEngage.Notification.Closed"
    assert system_events.FAILED == "PushEngage.Notification.Failed"


def test_a_mark_is_a_name_between_two_noncharacters() -> None:
    longest = "a" * 64
    assert mark("token") == "\ufdd0token\ufdd1"
    assert marked(f"x{mark('a')}{mark('b_1')}{mark(longest)}") == ["a", "b_1", longest]
    for none in ("\ufdd0\ufdd1", mark("1a"), mark("a-b"), mark("_a"), mark(longest + "a"), "\ufdd0a", "a\ufdd1"):
        assert not marked(none)
        assert replace_marks(none, str.upper) == none
    assert replace_marks(f"x{mark('a')}y{mark('b')}", lambda name: mark(name * 2)) == f"x{mark('aa')}y{mark('bb')}"
