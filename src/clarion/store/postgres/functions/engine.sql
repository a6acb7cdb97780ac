-- What a partition's owner does, each in one call that names one partition. Documents come and go as JSON; what has to keep every digit and
-- escape (bodies, states, jobs) comes beside them in an array of texts, for json_to_recordset reads a document's strings.
--
-- Plans are made once a session, often while tables are empty, and stay while these grow to millions of rows; to an empty table one way is as
-- good as another. So statements leave no choice but the index that they are written for: rows are looked up one by one (LATERAL, LIMIT),
-- in an order that only that index has (ORDER BY, with sorting switched off), which is why some ask for what is from x to x rather than x.
-- What was found and locked is changed by INSERT … ON CONFLICT, which knows its index, for an UPDATE has no order; or removed by its ctid.

CREATE OR REPLACE FUNCTION clarion_take(
    p_partition integer, p_limit integer, p_bytes bigint, p_horizon bigint, p_timers integer
) RETURNS text
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    v_entries text;
    v_count   bigint;
    v_size    bigint;
    v_more    boolean := false;
    v_due     text;
    v_ripe    bigint := 0;
    v_next    bigint;
BEGIN
    -- A body is known to be JSON: it is put in place as it is, and not parsed again. Most of the time there are few entries, and these are small.
    SELECT
        string_agg(
            '{"position":' || i.position || ',"kind":"' || i.kind || '","site":' || i.site || ',"id":' || to_json(i.id) || ',"body":' || i.body
            || ',"received":' || i.received || '}', ','
        ),
        count(*), sum(octet_length(i.body))
    INTO v_entries, v_count, v_size
    FROM (SELECT * FROM inbox WHERE partition = p_partition ORDER BY position LIMIT least(p_limit, 16)) AS i;
    IF v_size > p_bytes OR v_count = 16 AND p_limit > 16 THEN
        -- How long a body is is known without reading it.
        SELECT
            string_agg(
                '{"position":' || i.position || ',"kind":"' || i.kind || '","site":' || i.site || ',"id":' || to_json(i.id) || ',"body":'
                || i.body || ',"received":' || i.received || '}', ','
            ) FILTER (WHERE i.size <= p_bytes OR i.size = octet_length(i.body)),
            bool_or(i.size > p_bytes AND i.size > octet_length(i.body))
        INTO v_entries, v_more
        FROM (
            SELECT *, sum(octet_length(body)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS size
            FROM inbox WHERE partition = p_partition ORDER BY position LIMIT p_limit
        ) AS i;
    END IF;
    -- Most of the time no timer is due, and that is cheap to know.
    SELECT r.due INTO v_next FROM runs AS r
    WHERE r.partition = p_partition AND r.status = 'waiting' AND NOT r.held AND r.due IS NOT NULL
    ORDER BY r.due, r.id LIMIT 1;
    IF v_next <= p_horizon AND p_timers > 0 THEN
        SELECT count(*), string_agg('[' || to_json(r.id) || ',' || r.due || ',' || r.site || ',' || to_json(r.profile) || ']', ',')
        INTO v_ripe, v_due
        FROM (
            SELECT id, due, site, profile FROM runs
            WHERE partition = p_partition AND status = 'waiting' AND NOT held AND due IS NOT NULL AND due <= p_horizon
            ORDER BY due, id LIMIT p_timers
        ) AS r;
        SELECT r.due INTO v_next FROM runs AS r
        WHERE r.partition = p_partition AND r.status = 'waiting' AND NOT r.held AND r.due IS NOT NULL
        ORDER BY r.due, r.id LIMIT 1 OFFSET v_ripe;
    END IF;
    RETURN concat(
        '{"entries":[', v_entries, '],"more":', v_more::text, ',"due":[', v_due, '],"next_due":', coalesce(v_next::text, 'null'), '}'
    );
END
$$;

-- p_named, p_profiles and p_joining are [{"site", "value"}, …]; p_memory is [{"site", "workflow", "key", "profile", "device_token_hash"}, …].
-- First whom devices and runs belong to, then everything about the profiles: as of one moment, for the function is STABLE.
-- Goals that ended before the last log entry cannot be met any more; of the others those of the longest windows are looked at.
-- A subscriber may come several times: as one that was named, as one of the profile's, as the one that the entry event of a run named.
-- A run may, when it was asked for or has failed.
CREATE OR REPLACE FUNCTION clarion_facts(
    p_partition integer, p_named json, p_profiles json, p_memory json, p_joining json, p_runs text[], p_goals integer, p_failed integer
) RETURNS text
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
DECLARE
    v_facts text;
BEGIN
    WITH
    named AS MATERIALIZED (
        SELECT s.*
        FROM json_to_recordset(p_named) AS n(site integer, value text)
        CROSS JOIN LATERAL (
            SELECT * FROM subscribers
            WHERE partition = p_partition AND site = n.site AND device_token_hash >= n.value AND device_token_hash <= n.value
            ORDER BY device_token_hash LIMIT 1
        ) AS s
    ),
    asked AS MATERIALIZED (
        SELECT r.*
        FROM unnest(p_runs) AS a(id)
        CROSS JOIN LATERAL (SELECT * FROM runs WHERE partition = p_partition AND id >= a.id AND id <= a.id ORDER BY id LIMIT 1) AS r
    ),
    concerned AS MATERIALIZED (
        SELECT p.site, p.value AS profile FROM json_to_recordset(p_profiles) AS p(site integer, value text)
        UNION
        SELECT site, profile FROM named
        UNION
        SELECT site, profile FROM asked
    ),
    joining AS MATERIALIZED (
        SELECT DISTINCT n.site, n.profile
        FROM json_to_recordset(p_joining) AS j(site integer, value text)
        JOIN named AS n ON n.site = j.site AND n.device_token_hash = j.value
    ),
    picked AS MATERIALIZED (
        SELECT r.*
        FROM concerned AS c
        CROSS JOIN LATERAL (
            SELECT * FROM runs
            WHERE partition = p_partition AND site = c.site AND profile >= c.profile AND profile <= c.profile AND status = 'waiting'
            ORDER BY profile OFFSET 0
        ) AS r
        UNION ALL
        SELECT r.*
        FROM concerned AS c
        CROSS JOIN LATERAL (
            SELECT * FROM runs
            WHERE partition = p_partition AND site = c.site AND profile = c.profile AND status <> 'waiting'
                AND goal_until >= (SELECT log_time FROM partitions WHERE partition = p_partition)
            ORDER BY goal_until DESC LIMIT p_goals
        ) AS r
        UNION ALL
        SELECT r.*
        FROM joining AS j
        CROSS JOIN LATERAL (
            SELECT * FROM runs
            WHERE partition = p_partition AND site = j.site AND profile = j.profile AND status = 'failed'
            ORDER BY started DESC LIMIT p_failed
        ) AS r
        UNION ALL
        SELECT * FROM asked
    ),
    known AS (
        SELECT * FROM named
        UNION ALL
        SELECT s.*
        FROM concerned AS c
        CROSS JOIN LATERAL (
            SELECT * FROM subscribers
            WHERE partition = p_partition AND site = c.site AND profile >= c.profile AND profile <= c.profile AND active
            ORDER BY profile OFFSET 0
        ) AS s
        UNION ALL
        SELECT s.*
        FROM picked AS r
        CROSS JOIN LATERAL (
            SELECT * FROM subscribers
            WHERE partition = p_partition AND site = r.site AND device_token_hash >= r.device AND device_token_hash <= r.device AND NOT active
            ORDER BY device_token_hash LIMIT 1
        ) AS s
    ),
    remembered AS (
        SELECT m.*
        FROM json_to_recordset(p_memory) AS q(site integer, workflow text, key text, profile text, device_token_hash text)
        LEFT JOIN named AS n ON q.profile IS NULL AND n.site = q.site AND n.device_token_hash = q.device_token_hash
        CROSS JOIN LATERAL (
            SELECT * FROM entry_memory
            WHERE partition = p_partition AND site = q.site AND profile = coalesce(q.profile, n.profile) AND workflow = q.workflow AND key = q.key
            LIMIT 1
        ) AS m
        UNION ALL
        SELECT m.*
        FROM joining AS j
        CROSS JOIN LATERAL (SELECT * FROM entry_memory WHERE partition = p_partition AND site = j.site AND profile = j.profile OFFSET 0) AS m
    )
    SELECT concat(
        '{"subscribers":[', (
            SELECT string_agg(concat(
                '[', s.site, ',{"device_token_hash":', to_json(s.device_token_hash), ',"profile":', to_json(s.profile),
                ',"endpoint":', to_json(s.endpoint), ',"p256dh":', to_json(s.p256dh), ',"auth":', to_json(s.auth), ',"active":', to_json(s.active),
                ',"created":', s.created, ',"last_active":', s.last_active, ',"facts":', s.facts, '}]'
            ), ',')
            FROM known AS s
        ), '],"profiles":[', (
            SELECT string_agg(concat(
                '[', p.site, ',{"key":', to_json(p.key), ',"attributes":', p.attributes, ',"segments":', p.segments, ',"created":', p.created,
                ',"pushed":', p.pushed, ',"merged":', coalesce(to_json(p.merged)::text, 'null'), '}]'
            ), ',')
            FROM concerned AS c
            CROSS JOIN LATERAL (SELECT * FROM profiles WHERE partition = p_partition AND site = c.site AND key = c.profile LIMIT 1) AS p
        ), '],"runs":[', (
            SELECT string_agg(concat(
                '{"id":', to_json(r.id), ',"site":', r.site, ',"workflow":', to_json(r.workflow), ',"version":', r.version,
                ',"profile":', to_json(r.profile), ',"key":', coalesce(to_json(r.key)::text, 'null'), ',"status":', to_json(r.status),
                ',"step":', coalesce(to_json(r.step)::text, 'null'), ',"due":', coalesce(r.due::text, 'null'), ',"held":', to_json(r.held),
                ',"started":', r.started, ',"ended":', coalesce(r.ended::text, 'null'), ',"reason":', coalesce(to_json(r.reason)::text, 'null'),
                ',"state":', r.state, ',"goal_until":', coalesce(r.goal_until::text, 'null'), '}'
            ), ',')
            FROM picked AS r
        ), '],"memory":[', (
            SELECT string_agg(concat(
                '{"site":', m.site, ',"workflow":', to_json(m.workflow), ',"profile":', to_json(m.profile), ',"key":', to_json(m.key),
                ',"started":', m.started, ',"run":', to_json(m.run), '}'
            ), ',')
            FROM remembered AS m
        ), ']}'
    ) INTO v_facts;
    RETURN v_facts;
END
$$;

-- The one transaction in which an outcome is written. What there is none of is NULL. Documents are [{…}, …] of the records' own fields; those
-- that have their default may be missing. Whatever names one thing twice has been brought down to the last.
-- Raises CL001 where another owner has the partition, CL000 where the outcome does not fit what is stored.
CREATE OR REPLACE FUNCTION clarion_commit(
    p_partition integer, p_epoch bigint, p_sequence bigint, p_log_time bigint, p_resumed bigint,
    p_lowest bigint,  -- of the sequences that are written
    p_first bigint, p_moved_at bigint, p_positions bigint[], p_applied_to text[],  -- inbox entries; the first is logged as p_first
    p_logged json, p_logged_bodies text[],
    p_profile_sites integer[], p_profiles json,
    p_subscriber_sites integer[], p_subscribers json,
    p_gone_sites integer[], p_gone_subscribers text[],
    p_runs json, p_states text[], p_devices text[], p_gone_runs text[],
    p_memory json, p_workflows json, p_sites json,
    p_explanations json, p_explained text[],
    p_counts json,
    p_poisoned json, p_poisoned_bodies text[],
    p_deliveries json, p_jobs text[],
    p_emitted json, p_emitted_bodies text[],
    p_held_sites integer[], p_held_workflows text[]
) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
DECLARE
    v_count bigint;
    v_spots tid[];
    v_spot  tid;
BEGIN
    -- The log goes on where its owner takes it to end. If it does not, this database has lost what it had acknowledged.
    UPDATE partitions SET sequence = p_sequence, log_time = p_log_time, resumed = p_resumed
    WHERE partition = p_partition AND epoch = p_epoch AND sequence = coalesce(p_lowest - 1, p_sequence);
    IF NOT FOUND THEN
        PERFORM FROM partitions WHERE partition = p_partition AND epoch = p_epoch;
        IF FOUND THEN
            RAISE EXCEPTION 'The log of partition % does not end where its owner left it.', p_partition USING ERRCODE = 'CL001';
        END IF;
        RAISE EXCEPTION 'Partition % has another owner: epoch % is over.', p_partition, p_epoch USING ERRCODE = 'CL001';
    END IF;

    -- Just these leave the inbox: others that were committed meanwhile, also at lower positions, stay.
    IF p_positions IS NOT NULL THEN
        WITH taken AS (
            -- The positions ascend: where one stands among them is found by halving.
            DELETE FROM inbox
            WHERE partition = p_partition AND position >= p_positions[1] AND position <= p_positions[cardinality(p_positions)]
                AND p_positions[width_bucket(position, p_positions)] = position
            RETURNING width_bucket(position, p_positions) AS place, kind, site, id, body, received
        )
        INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
        SELECT p_partition, p_first + place - 1, p_moved_at, kind, site, id, body, received, p_applied_to[place] FROM taken;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count <> cardinality(p_positions) THEN
            RAISE EXCEPTION 'Of % inbox entries to be logged only % are there.', cardinality(p_positions), v_count USING ERRCODE = 'CL000';
        END IF;
    END IF;
    IF p_logged IS NOT NULL THEN
        INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
        SELECT p_partition, l.sequence, l.log_time, l.kind, l.site, l.id, l.body, l.received, ''
        FROM ROWS FROM (
            json_to_recordset(p_logged) AS (sequence bigint, log_time bigint, kind text, site integer, id text, received bigint),
            unnest(p_logged_bodies)
        ) AS l(sequence, log_time, kind, site, id, received, body);
    END IF;

    IF p_profiles IS NOT NULL THEN
        INSERT INTO profiles (partition, site, key, attributes, segments, created, pushed, merged)
        SELECT
            p_partition, p.site, p.key, coalesce(p.attributes::text, '{}'), coalesce(p.segments::text, '[]'), coalesce(p.created, 0),
            coalesce(p.pushed::text, '{}'), p.merged
        FROM ROWS FROM (
            unnest(p_profile_sites),
            json_to_recordset(p_profiles) AS (key text, attributes json, segments json, created bigint, pushed json, merged text)
        ) AS p(site, key, attributes, segments, created, pushed, merged)
        ON CONFLICT (partition, site, key) DO UPDATE
        SET attributes = excluded.attributes, segments = excluded.segments, created = excluded.created, pushed = excluded.pushed,
            merged = excluded.merged;
    END IF;
    IF p_gone_subscribers IS NOT NULL THEN
        SELECT coalesce(array_agg(s.spot), '{}')
        INTO v_spots
        FROM unnest(p_gone_sites, p_gone_subscribers) AS g(site, device_token_hash)
        CROSS JOIN LATERAL (
            SELECT ctid AS spot FROM subscribers
            WHERE partition = p_partition AND site = g.site AND device_token_hash >= g.device_token_hash
                AND device_token_hash <= g.device_token_hash
            ORDER BY device_token_hash LIMIT 1
        ) AS s;
        FOREACH v_spot IN ARRAY v_spots LOOP
            DELETE FROM subscribers WHERE partition = p_partition AND ctid = v_spot;
        END LOOP;
    END IF;
    IF p_subscribers IS NOT NULL THEN
        INSERT INTO subscribers (partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts)
        SELECT
            p_partition, s.site, s.device_token_hash, s.profile, s.endpoint, s.p256dh, s.auth, coalesce(s.active, true), coalesce(s.created, 0),
            coalesce(s.last_active, 0), coalesce(s.facts::text, '{}')
        FROM ROWS FROM (
            unnest(p_subscriber_sites),
            json_to_recordset(p_subscribers) AS (
                device_token_hash text, profile text, endpoint text, p256dh text, auth text, active boolean, created bigint, last_active bigint,
                facts json
            )
        ) AS s(site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts)
        ON CONFLICT (partition, site, device_token_hash) DO UPDATE
        SET profile = excluded.profile, endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, active = excluded.active,
            created = excluded.created, last_active = excluded.last_active, facts = excluded.facts;
    END IF;

    IF p_gone_runs IS NOT NULL THEN
        SELECT coalesce(array_agg(r.spot), '{}')
        INTO v_spots
        FROM unnest(p_gone_runs) AS g(id)
        CROSS JOIN LATERAL (
            SELECT ctid AS spot FROM runs WHERE partition = p_partition AND id >= g.id AND id <= g.id ORDER BY id LIMIT 1
        ) AS r;
        FOREACH v_spot IN ARRAY v_spots LOOP
            DELETE FROM runs WHERE partition = p_partition AND ctid = v_spot;
        END LOOP;
    END IF;
    IF p_runs IS NOT NULL THEN
        -- When a run started stays as it is.
        INSERT INTO runs (
            partition, id, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, state, goal_until, device
        )
        SELECT
            p_partition, r.id, r.site, r.workflow, r.version, r.profile, r.key, r.status, r.step, r.due, r.held, r.started, r.ended, r.reason,
            r.state, r.goal_until, r.device
        FROM ROWS FROM (
            json_to_recordset(p_runs) AS (
                id text, site integer, workflow text, version integer, profile text, key text, status text, step text, due bigint, held boolean,
                started bigint, ended bigint, reason text, goal_until bigint
            ),
            unnest(p_states), unnest(p_devices)
        ) AS r(id, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, goal_until, state, device)
        ON CONFLICT (partition, id) DO UPDATE
        SET version = excluded.version, profile = excluded.profile, key = excluded.key, status = excluded.status, step = excluded.step,
            due = excluded.due, held = excluded.held, ended = excluded.ended, reason = excluded.reason, state = excluded.state,
            goal_until = excluded.goal_until, device = excluded.device;
    END IF;
    IF p_memory IS NOT NULL THEN
        INSERT INTO entry_memory (partition, site, profile, workflow, key, started, run)
        SELECT p_partition, m.site, m.profile, m.workflow, m.key, m.started, m.run
        FROM json_to_recordset(p_memory) AS m(site integer, workflow text, profile text, key text, started bigint, run text)
        ON CONFLICT (partition, site, profile, workflow, key) DO UPDATE SET started = excluded.started, run = excluded.run;
    END IF;
    IF p_workflows IS NOT NULL THEN
        INSERT INTO workflow_states (partition, site, workflow, version, status, stale_before, directives, heard)
        SELECT p_partition, w.site, w.workflow, w.version, w.status, w.stale_before, w.directives, coalesce(w.heard::text, '[]')
        FROM json_to_recordset(p_workflows) AS w(
            site integer, workflow text, version integer, status text, stale_before bigint, directives json, heard json
        )
        ON CONFLICT (partition, site, workflow) DO UPDATE
        SET version = excluded.version, status = excluded.status, stale_before = excluded.stale_before, directives = excluded.directives,
            heard = excluded.heard;
    END IF;
    IF p_sites IS NOT NULL THEN
        INSERT INTO site_states (partition, site, timezone, frequency_cap)
        SELECT p_partition, s.site, s.timezone, nullif(s.frequency_cap::text, 'null')
        FROM json_to_recordset(p_sites) AS s(site integer, timezone text, frequency_cap json)
        ON CONFLICT (partition, site) DO UPDATE SET timezone = excluded.timezone, frequency_cap = excluded.frequency_cap;
    END IF;

    IF p_explanations IS NOT NULL THEN
        INSERT INTO explanations (partition, log_time, site, profile, event, at, body)
        SELECT p_partition, p_log_time, e.site, e.profile, e.event, e.at, e.body
        FROM ROWS FROM (json_to_recordset(p_explanations) AS (site integer, profile text, event text, at bigint), unnest(p_explained))
            AS e(site, profile, event, at, body);
    END IF;
    IF p_counts IS NOT NULL THEN
        -- Each grows its row of the hour and its row of the day; what is beyond the largest number stays there, and beyond the smallest.
        INSERT INTO counters AS known (partition, site, workflow, period, start, version, step, name, branch, count)
        SELECT
            p_partition, c.site, c.workflow, p.period, c.hour - c.hour % p.length, c.version, c.step, c.name, c.branch,
            greatest(least(sum(c.count), 9223372036854775807), -9223372036854775808)::bigint
        FROM json_to_recordset(p_counts) AS c(
            site integer, workflow text, version integer, step text, name text, branch text, hour bigint, count bigint
        )
        CROSS JOIN (VALUES ('hour', 3600000000), ('day', 86400000000)) AS p(period, length)
        GROUP BY c.site, c.workflow, p.period, c.hour - c.hour % p.length, c.version, c.step, c.name, c.branch
        ON CONFLICT (partition, site, workflow, period, start, version, step, name, branch) DO UPDATE
        SET count = CASE
            WHEN excluded.count > 0 AND known.count > 9223372036854775807 - excluded.count THEN 9223372036854775807
            WHEN excluded.count < 0 AND known.count < -9223372036854775808 - excluded.count THEN -9223372036854775808
            ELSE known.count + excluded.count
        END;
    END IF;
    IF p_poisoned IS NOT NULL THEN
        INSERT INTO poisoned (partition, id, site, kind, body, at, error)
        SELECT p_partition, p.id, p.site, p.kind, p.body, p.at, p.error
        FROM ROWS FROM (json_to_recordset(p_poisoned) AS (id text, site integer, kind text, at bigint, error text), unnest(p_poisoned_bodies))
            AS p(id, site, kind, at, error, body)
        ON CONFLICT (partition, id) DO UPDATE SET body = excluded.body, at = excluded.at, error = excluded.error;
    END IF;

    IF p_deliveries IS NOT NULL THEN
        -- A delivery that is already known, under way or ended, stays as it is.
        WITH fresh AS (
            INSERT INTO deliveries (
                partition, id, site, effect, run, workflow, step, profile, kind, job, created, due, expires, subscriber, hops, attempts, version,
                status
            )
            SELECT
                p_partition, d.id, d.site, d.effect, d.run, d.workflow, d.step, d.profile, d.kind, d.job, d.created, d.due, d.expires,
                d.subscriber, coalesce(d.hops, 0), coalesce(d.attempts::text, '[]'), coalesce(d.version, 0), 'pending'
            FROM ROWS FROM (
                json_to_recordset(p_deliveries) AS (
                    id text, site integer, effect text, run text, workflow text, step text, profile text, kind text, created bigint, due bigint,
                    expires bigint, subscriber text, hops integer, attempts json, version integer
                ),
                unnest(p_jobs)
            ) AS d(
                id, site, effect, run, workflow, step, profile, kind, created, due, expires, subscriber, hops, attempts, version, job
            )
            ON CONFLICT (partition, id, created) DO NOTHING
            RETURNING id, created, sequence, site, workflow, due
        )
        INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held)
        SELECT p_partition, id, created, sequence, site, workflow, due, false FROM fresh
        ON CONFLICT (partition, id) DO NOTHING;
    END IF;
    IF p_emitted IS NOT NULL THEN
        PERFORM clarion_emit(p_emitted, p_emitted_bodies);
    END IF;
    IF p_held_workflows IS NOT NULL THEN
        PERFORM clarion_hold(p_partition, h.site, h.workflow) FROM unnest(p_held_sites, p_held_workflows) AS h(site, workflow);
    END IF;
END
$$;

-- Entries go to their inboxes in their order; of those with a claim, [{…, "target", "event_id", "content"}, …], only those that get it.
CREATE OR REPLACE FUNCTION clarion_emit(p_entries json, p_bodies text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH emitted AS MATERIALIZED (
        SELECT *
        FROM ROWS FROM (
            json_to_recordset(p_entries) AS (
                partition integer, kind text, site integer, id text, received bigint, target text, event_id text, content text
            ),
            unnest(p_bodies)
        ) WITH ORDINALITY AS e(partition, kind, site, id, received, target, event_id, content, body, place)
    ),
    claims AS (
        SELECT DISTINCT ON (partition, site, target COLLATE "C", event_id COLLATE "C") * FROM emitted WHERE event_id IS NOT NULL
        ORDER BY partition, site, target COLLATE "C", event_id COLLATE "C", place  -- as others do, who must not wait for us while we wait for them
    ),
    held AS (
        INSERT INTO event_ids (partition, site, target, event_id, content, entry, received)
        SELECT partition, site, target, event_id, content, id, received FROM claims
        ON CONFLICT DO NOTHING
        RETURNING partition, site, target, event_id
    ),
    stored AS (SELECT place FROM claims NATURAL JOIN held)
    INSERT INTO inbox (partition, kind, site, id, body, received)
    SELECT partition, kind, site, id, body, received FROM emitted
    WHERE event_id IS NULL OR place IN (SELECT place FROM stored)
    ORDER BY place;
END
$$;

-- The next are rare, and planned anew each time, by how large things are then.

CREATE OR REPLACE FUNCTION clarion_held_workflows(p_partition integer) RETURNS TABLE (site integer, workflow text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT w.site, w.workflow
    FROM workflow_states AS w
    WHERE w.partition = p_partition
        AND EXISTS (SELECT FROM runs AS r WHERE r.partition = p_partition AND r.site = w.site AND r.workflow = w.workflow AND r.held)
    ORDER BY w.site, w.workflow;
END
$$;

CREATE OR REPLACE FUNCTION clarion_held_runs(p_partition integer, p_site integer, p_workflow text, p_limit integer) RETURNS TABLE (
    id text, site integer, workflow text, version integer, profile text, key text, status text, step text, due bigint, held boolean,
    started bigint, ended bigint, reason text, state text, goal_until bigint
)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT id, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, state, goal_until
    FROM runs WHERE partition = p_partition AND site = p_site AND workflow = p_workflow AND held
    ORDER BY id LIMIT p_limit;
END
$$;

CREATE OR REPLACE FUNCTION clarion_runs_behind(
    p_partition integer, p_site integer, p_workflow text, p_version integer, p_limit integer
) RETURNS TABLE (
    id text, site integer, workflow text, version integer, profile text, key text, status text, step text, due bigint, held boolean,
    started bigint, ended bigint, reason text, state text, goal_until bigint
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT id, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, state, goal_until
    FROM runs WHERE partition = p_partition AND site = p_site AND workflow = p_workflow AND status = 'waiting' AND version < p_version
    ORDER BY version LIMIT p_limit;
END
$$;
