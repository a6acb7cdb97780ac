-- What is asked of, and told to, the PostgreSQL database that a move goes to.

-- name: lock
-- Held by the session: one move at a time.
SELECT pg_try_advisory_lock(5497853114820);

-- name: occupied
-- What stands in a database that no move may go to; nothing where it is as it was made.
SELECT what
FROM (
    SELECT 1 AS rank, 'sites' AS what WHERE EXISTS (SELECT FROM sites)
    UNION ALL SELECT 2, 'API keys' WHERE EXISTS (SELECT FROM api_keys)
    UNION ALL SELECT 3, 'workflows' WHERE EXISTS (SELECT FROM workflows)
    UNION ALL SELECT 4, 'secrets' WHERE EXISTS (SELECT FROM secrets)
    UNION ALL SELECT 5, 'entries' WHERE EXISTS (SELECT FROM inbox)
    UNION ALL SELECT 6, 'a log' WHERE EXISTS (SELECT FROM log)
    UNION ALL SELECT 7, 'profiles' WHERE EXISTS (SELECT FROM profiles)
    UNION ALL SELECT 8, 'subscribers' WHERE EXISTS (SELECT FROM subscribers)
    UNION ALL SELECT 9, 'runs' WHERE EXISTS (SELECT FROM runs)
    UNION ALL SELECT 10, 'event ids' WHERE EXISTS (SELECT FROM event_ids)
    UNION ALL SELECT 11, 'explanations' WHERE EXISTS (SELECT FROM explanations)
    UNION ALL SELECT 12, 'deliveries' WHERE EXISTS (SELECT FROM deliveries)
    UNION ALL SELECT 13, 'counters' WHERE EXISTS (SELECT FROM counters)
    UNION ALL SELECT 14, 'inputs set aside' WHERE EXISTS (SELECT FROM poisoned)
    UNION ALL SELECT 15, 'a running server' WHERE EXISTS (SELECT FROM nodes WHERE until > extract(epoch FROM clock_timestamp()) * 1000000)
) AS found
ORDER BY rank LIMIT 1;

-- name: partitions
SELECT partitions FROM instance;

-- name: state
SELECT source, ended FROM move;

-- name: begin
INSERT INTO move (one, source, began) VALUES (1, $1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);

-- name: begin_partitions
-- Every partition goes on where the one of the source stood.
UPDATE partitions SET epoch = $1, log_time = $2, resumed = $3, sequence = 0, owner = NULL;

-- name: begin_cleared
-- What was noted of deliveries while there were none.
DELETE FROM cleared;

-- name: begin_generation
DELETE FROM generation;

-- name: begin_upkeep
DELETE FROM upkeep;

-- name: begin_periods
SELECT clarion_ensure_periods($1, $2);

-- name: begin_tables
INSERT INTO moved_tables (name, place, read, written, done)
SELECT t.name, t.place, 0, 0, false FROM unnest($1::text[], $2::text[]) AS t (name, place);

-- name: tables
SELECT name, place, read, written, done FROM moved_tables;

-- name: note
UPDATE moved_tables SET place = $2, read = read + $3, written = written + $4, done = $5 WHERE name = $1;

-- name: log_sequences
SELECT partition, sequence FROM partitions;

-- name: note_log_sequences
UPDATE partitions SET sequence = n.sequence FROM unnest($1::integer[], $2::bigint[]) AS n (partition, sequence)
WHERE partitions.partition = n.partition;

-- name: set_sequences
-- The next of each is beyond all that the source ever gave.
SELECT
    setval('inbox_position', $1::bigint + 1, false), setval('explanation_sequence', $2::bigint + 1, false),
    setval('delivery_sequence', $3::bigint + 1, false), setval('poisoned_sequence', $4::bigint + 1, false);

-- name: end
UPDATE move SET ended = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: define_hashed
-- The text of a row as a number (`clarion.store.moving.sums`), for this session.
CREATE FUNCTION pg_temp.hashed(line text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(encode(sha256(convert_to(line, 'UTF8')), 'hex'), 16))::bit(64)::bigint
$$;

-- The sums: columns in the order of `clarion.store.moving.tables`; chr(30) stands for null.

-- name: sum_generation
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), one, value
    )
)), 0)::text
FROM generation;

-- name: sum_upkeep
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), one, exported, coalesce(alarm::text, chr(30)), coalesce(since::text, chr(30))
    )
)), 0)::text
FROM upkeep;

-- name: sum_sites
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone,
        coalesce(frequency_cap::text, chr(30)), vapid, origins, dangerous_unsigned_profiles
    )
)), 0)::text
FROM sites;

-- name: sum_api_keys
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), id, site, name, hash, prefix, scopes, created, coalesce(last_used::text, chr(30)), coalesce(revoked::text, chr(30))
    )
)), 0)::text
FROM api_keys;

-- name: sum_workflows
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, workflow, name, version, status, changed
    )
)), 0)::text
FROM workflows;

-- name: sum_workflow_versions
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, workflow, version, created, source, document
    )
)), 0)::text
FROM workflow_versions;

-- name: sum_workflow_drafts
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, workflow, saved, source
    )
)), 0)::text
FROM workflow_drafts;

-- name: sum_secrets
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, name, sealed, changed
    )
)), 0)::text
FROM secrets;

-- name: sum_site_keys
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, kind, number, public, sealed, changed
    )
)), 0)::text
FROM site_keys;

-- name: sum_segments
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, segment, name, created, changed, coalesce(condition::text, chr(30))
    )
)), 0)::text
FROM segments;

-- name: sum_jobs
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), site, id, kind, status, created, changed, body
    )
)), 0)::text
FROM jobs;

-- name: sum_workflow_states
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, workflow, version, status, stale_before, heard, directives
    )
)), 0)::text
FROM workflow_states;

-- name: sum_site_states
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, timezone, coalesce(frequency_cap::text, chr(30))
    )
)), 0)::text
FROM site_states;

-- name: sum_segment_states
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, segment, defined, condition
    )
)), 0)::text
FROM segment_states;

-- name: sum_sweeps
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, id, at, entry, cursor, done, body
    )
)), 0)::text
FROM sweeps;

-- name: sum_profiles
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, key, attributes, segments, created, pushed, coalesce(merged::text, chr(30)),
        coalesce(recheck::text, chr(30)), offered
    )
)), 0)::text
FROM profiles;

-- name: sum_subscribers
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts,
        provider, vapid, logouts
    )
)), 0)::text
FROM subscribers;

-- name: sum_runs
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, id, site, workflow, version, profile, coalesce(key::text, chr(30)), status, coalesce(step::text, chr(30)),
        coalesce(due::text, chr(30)), held, started, coalesce(ended::text, chr(30)), coalesce(reason::text, chr(30)),
        coalesce(goal_until::text, chr(30)), coalesce(device::text, chr(30)), state
    )
)), 0)::text
FROM runs;

-- name: sum_entry_memory
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, profile, workflow, key, started, run
    )
)), 0)::text
FROM entry_memory;

-- name: sum_event_ids
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, target, event_id, content, entry, received
    )
)), 0)::text
FROM event_ids;

-- name: sum_log
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, sequence, log_time, kind, site, id, received, profile, body
    )
)), 0)::text
FROM log;

-- name: sum_explanations
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, sequence, log_time, site, profile, event, at, body
    )
)), 0)::text
FROM explanations;

-- name: sum_deliveries
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, id, created, sequence, site, effect, run, workflow, step, profile, kind, due, expires,
        coalesce(subscriber::text, chr(30)), hops, attempts, status, coalesce(finished::text, chr(30)), version, job
    )
)), 0)::text
FROM deliveries;

-- name: sum_outbox
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, id, created, sequence, site, workflow, due, held
    )
)), 0)::text
FROM outbox;

-- name: sum_holds
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, workflow, released, cutoff, at
    )
)), 0)::text
FROM holds;

-- name: sum_inbox
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, position, kind, site, id, received, body
    )
)), 0)::text
FROM inbox;

-- name: sum_poisoned
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, id, site, kind, at, error, sequence, body
    )
)), 0)::text
FROM poisoned;

-- name: sum_counters
SELECT count(*), coalesce(sum(pg_temp.hashed(
    concat_ws(
        chr(31), partition, site, workflow, period, start, version, step, name, branch, count
    )
)), 0)::text
FROM counters;

-- name: analyze
ANALYZE;
