"""Names of the events that Clarion makes itself (semantics §1)."""

from typing import Final

PREFIX: Final = "PushEngage."
"""Names from outside may not start with it."""

SUBSCRIBER_ADDED: Final = "PushEngage.Subscriber.Add"
SUBSCRIBER_REMOVED: Final = "PushEngage.Subscriber.Remove"
SUBSCRIBER_UPDATED: Final = "PushEngage.Subscriber.Update"
SEGMENT_ADDED: Final = "PushEngage.Subscriber.AddSegment"
SEGMENT_REMOVED: Final = "PushEngage.Subscriber.RemoveSegment"
IDENTIFIED: Final = "PushEngage.Subscriber.Identify"

SENT: Final = "PushEngage.Notification.Sent"
VIEWED: Final = "PushEngage.Notification.Viewed"
CLICKED: Final = "PushEngage.Notification.Clicked"
CLOSED: Final = "PushEngage.Notification.Closed"
FAILED: Final = "PushEngage.Notification.Failed"

WORKFLOW_START: Final = "PushEngage.Workflow.Start"
"""A `start_workflow` step wants a workflow to start; only that workflow hears of it."""

NOTIFICATIONS: Final = frozenset({SENT, VIEWED, CLICKED, CLOSED, FAILED})
"""What becomes of a push; their data names the run and the step that sent it."""

LISTENABLE: Final = NOTIFICATIONS | {
    SUBSCRIBER_ADDED,
    SUBSCRIBER_REMOVED,
    SUBSCRIBER_UPDATED,
    SEGMENT_ADDED,
    SEGMENT_REMOVED,
    IDENTIFIED,
}
