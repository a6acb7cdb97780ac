"""What happened and why: of an event, of a run, of a person, and of a person with one workflow."""

from clarion.control.explain.absence import explain_absence
from clarion.control.explain.events import explain_event
from clarion.control.explain.people import Whom
from clarion.control.explain.runs import explain_run
from clarion.control.explain.timeline import explain_person

__all__ = ["Whom", "explain_absence", "explain_event", "explain_person", "explain_run"]
