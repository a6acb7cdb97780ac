"""The names of system events are part of the contract with every workflow that listens for them: spelled out here once more."""

from clarion.domain import system_events


def test_the_names_are_those_that_workflows_know() -> None:
    notifications = {f"PushEngage.Notification.{name}" for name in ("Sent", "Viewed", "Clicked", "Closed", "Failed")}
    subscribers = {f"PushEngage.Subscriber.{name}" for name in ("Add", "Remove", "Update", "AddSegment", "RemoveSegment", "Identify")}
    assert notifications == system_events.NOTIFICATIONS
    assert notifications | subscribers == system_events.LISTENABLE
    assert system_events.WORKFLOW_START == "PushEngage.Workflow.Start"
    assert system_events.PREFIX == "PushEngage."
    assert {system_events.SENT, system_events.FAILED} == {"PushEngage.Notification.Sent", "PushEngage.Notification.Failed"}
    assert (system_events.VIEWED, system_events.CLICKED, system_events.CLOSED) == (
        "PushEngage.Notification.Viewed",
        "PushEngage.Notification.Clicked",
        "PushEngage.Notification.Closed",
    )
    assert (system_events.SUBSCRIBER_ADDED, system_events.SUBSCRIBER_REMOVED, system_events.SUBSCRIBER_UPDATED) == (
        "PushEngage.Subscriber.Add",
        "PushEngage.Subscriber.Remove",
        "PushEngage.Subscriber.Update",
    )
    assert (system_events.SEGMENT_ADDED, system_events.SEGMENT_REMOVED, system_events.IDENTIFIED) == (
        "PushEngage.Subscriber.AddSegment",
        "PushEngage.Subscriber.RemoveSegment",
        "PushEngage.Subscriber.Identify",
    )
