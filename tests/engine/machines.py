"""State machines (`hypothesis.stateful`) in the engine's tests: each is run alike, briefly by default and long as a soak."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def drive(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Run so many examples of so many steps at most. What a machine draws is whole documents and long lives: slow, large, often refused."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
