-- What is left of people who were erased goes. Few rows of one partition each, found by the table's first key.

-- name: blank
UPDATE log SET kind = 'erased', body = 'null', profile = '' WHERE partition = $1 AND sequence = ANY($2::bigint[]);

-- name: erase_explanations
DELETE FROM explanations
WHERE partition = $1 AND (tableoid, ctid) IN (
    SELECT tableoid, ctid FROM explanations WHERE partition = $1 AND site = $2 AND profile = ANY($3::text[]) LIMIT $4
);

-- name: erase_claims
DELETE FROM event_ids
WHERE partition = $1 AND site = $2 AND (target, event_id) IN (
    SELECT target, event_id FROM event_ids WHERE partition = $1 AND site = $2 AND target = ANY($3::text[]) LIMIT $4
);

-- name: rewrite_part
UPDATE snapshots SET body = $5 WHERE partition = $1 AND sequence = $2 AND log_time = $3 AND part = $4;

-- name: vacuum_inbox
-- Whoever holds a lock on a table is not waited for.
VACUUM (SKIP_LOCKED) inbox;

-- name: vacuum_log
VACUUM (SKIP_LOCKED) log;

-- name: vacuum_event_ids
VACUUM (SKIP_LOCKED) event_ids;

-- name: vacuum_poisoned
VACUUM (SKIP_LOCKED) poisoned;

-- name: vacuum_profiles
VACUUM (SKIP_LOCKED) profiles;

-- name: vacuum_subscribers
VACUUM (SKIP_LOCKED) subscribers;

-- name: vacuum_runs
VACUUM (SKIP_LOCKED) runs;

-- name: vacuum_entry_memory
VACUUM (SKIP_LOCKED) entry_memory;

-- name: vacuum_explanations
VACUUM (SKIP_LOCKED) explanations;

-- name: vacuum_deliveries
VACUUM (SKIP_LOCKED) deliveries;

-- name: vacuum_outbox
VACUUM (SKIP_LOCKED) outbox;

-- name: vacuum_snapshots
VACUUM (SKIP_LOCKED) snapshots;

-- name: vacuum_jobs
VACUUM (SKIP_LOCKED) jobs;
