"""What is kept for a while only: the log, explanations, deliveries and runs that have ended go by age, in small steps.

Events can be written to files before they go, and snapshots of what the log has led to are taken first (semantics §8).
"""

from clarion.retention.policy import Retention

__all__ = ["Retention"]
