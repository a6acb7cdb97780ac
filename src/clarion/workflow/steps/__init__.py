"""What each kind of step does; one module a kind."""

from clarion.workflow.kinds import KINDS, register
from clarion.workflow.steps.decide import Decide
from clarion.workflow.steps.exit import Exit
from clarion.workflow.steps.http import Http
from clarion.workflow.steps.push import Push
from clarion.workflow.steps.segment import Segment
from clarion.workflow.steps.send_event import SendEvent
from clarion.workflow.steps.split import Split
from clarion.workflow.steps.start_workflow import StartWorkflow
from clarion.workflow.steps.stop_workflow import StopWorkflow
from clarion.workflow.steps.update import Update
from clarion.workflow.steps.wait import Wait
from clarion.workflow.steps.wait_for import WaitFor

register(Push, Http, Segment, Update, SendEvent, StartWorkflow, StopWorkflow, Wait, WaitFor, Decide, Split, Exit)

__all__ = ["KINDS"]
