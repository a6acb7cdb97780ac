"""The PostgreSQL versions before the newest: what is essential in the conformance suite, on a server of each.

All of it runs there with `CLARION_TEST_POSTGRES=15`, `16` or `17`.
"""
# ruff: noqa: F401 - what is imported is collected here once more, with this module's databases

from collections.abc import Iterator

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.postgres import EARLIER, NEWEST, Databases, databases_on
from tests.store.conftest import Clockwork, PostgresDatabase
from tests.store.test_append import (
    test_claims_in_one_batch_are_judged_in_order,
    test_many_callers_at_once_each_get_their_own_answer,
    test_of_equal_claims_at_the_same_time_one_is_stored,
    test_one_callers_bad_entry_fails_that_caller_alone,
    test_what_is_appended_can_be_taken_in_order,
)
from tests.store.test_configuration import (
    test_a_key_is_revoked_once_and_for_all,
    test_a_secret_is_kept_replaced_and_forgotten,
    test_a_sites_settings_change_and_the_engines_are_told,
    test_publishing_numbers_versions_and_tells_the_engines,
    test_sites_and_keys_get_their_ids_and_are_read_as_they_were_kept,
)
from tests.store.test_counters import test_counts_add_up_within_a_commit_and_over_commits
from tests.store.test_engine_commits import (
    test_an_earlier_owner_is_fenced,
    test_an_outcome_that_cannot_be_stored_leaves_no_trace,
    test_entries_move_from_the_inbox_to_the_log,
    test_rows_are_replaced_whole,
    test_the_owner_goes_on_where_the_last_one_stopped,
    test_what_is_emitted_waits_behind_what_was_there,
    test_what_was_set_aside_is_tried_again_in_one_commit,
)
from tests.store.test_engine_messages import (
    test_messages_wait_in_inboxes_with_their_kinds_and_bodies,
    test_runs_that_have_gone_elsewhere_are_not_here_any_more,
)
from tests.store.test_engine_reads import (
    test_facts_of_a_subscriber_are_all_of_its_profile,
    test_memory_is_read_by_key_or_whole_for_a_profile_that_is_to_be_joined,
    test_timers_come_by_due_then_id_up_to_the_horizon,
)
from tests.store.test_forget import test_a_step_is_as_small_as_was_asked_for, test_of_explanations_go_those_of_before
from tests.store.test_goals import test_an_ended_run_is_told_as_long_as_its_goal_is_open
from tests.store.test_history import test_explanations_about_profiles_come_newest_first
from tests.store.test_outbox import (
    test_a_failed_attempt_is_tried_again_when_it_is_time,
    test_an_ended_delivery_tells_the_engine,
    test_claims_at_the_same_time_share_nothing,
    test_held_deliveries_wait_for_the_release,
    test_pushes_from_before_the_cutoff_end_stale,
)
from tests.store.test_reading import (
    test_a_profile_shows_what_belongs_to_it,
    test_deliveries_are_listed_newest_first,
    test_events_are_tailed_by_sequence,
    test_runs_are_listed_newest_first,
    test_the_doctor_gets_facts,
)
from tests.store.test_signals import (
    other,
    test_another_processs_commits_are_noticed,
    test_own_commits_are_told_by_the_time_that_they_are_answered,
    watcher,
)
from tests.store.test_snapshots import test_a_snapshot_has_all_that_a_replay_starts_from, test_parts_are_bounded_however_much_there_is
from tests.store.test_workflows import (
    test_an_equal_document_tells_runs_in_flight_what_to_do,
    test_runs_in_flight_are_counted_by_version_and_step,
)

from clarion.store.postgres.connection import OLDEST_SERVER


@pytest.fixture(scope="module", params=EARLIER)
def version(request: pytest.FixtureRequest) -> str:
    """The server's major version."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(version: str) -> Databases:
    return databases_on(version)


@pytest.fixture
def database(server: Databases, clock: Clockwork) -> Iterator[PostgresDatabase]:
    made = PostgresDatabase(server, clock)
    yield made
    made.drop()


async def test_it_is_that_version(database: PostgresDatabase, version: str) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        assert str(connection.get_server_version().major) == version
    finally:
        await connection.close()


def test_none_is_left_out() -> None:
    assert list(EARLIER) == [str(version) for version in range(OLDEST_SERVER, int(NEWEST))]
