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
    SELECT min(t.due) INTO v_next
    FROM (
        (
            SELECT r.due FROM runs AS r
            WHERE r.partition = p_partition AND r.status = 'waiting' AND NOT r.held AND r.due IS NOT NULL
            ORDER BY r.due, r.id LIMIT 1
        )
        UNION ALL
        (
            SELECT p.recheck FROM profiles AS p
            WHERE p.partition = p_partition AND p.recheck IS NOT NULL
            ORDER BY p.recheck, p.site, p.key LIMIT 1
        )
    ) AS t;
    IF v_next <= p_horizon AND p_timers > 0 THEN
        -- Runs, and profiles that are to be looked at again, which have no id of a run.
        SELECT
            count(*),
            string_agg(
                '[' || to_json(t.id) || ',' || t.due || ',' || t.site || ',' || to_json(t.profile) || ']', ',' ORDER BY t.due, t.id, t.site, t.profile
            )
        INTO v_ripe, v_due
        FROM (
            SELECT * FROM (
                (
                    SELECT r.id, r.due, r.site, r.profile FROM runs AS r
                    WHERE r.partition = p_partition AND r.status = 'waiting' AND NOT r.held AND r.due IS NOT NULL AND r.due <= p_horizon
                    ORDER BY r.due, r.id LIMIT p_timers
                )
                UNION ALL
                (
                    SELECT '' COLLATE "C", p.recheck, p.site, p.key FROM profiles AS p
                    WHERE p.partition = p_partition AND p.recheck IS NOT NULL AND p.recheck <= p_horizon
                    ORDER BY p.recheck, p.site, p.key LIMIT p_timers
                )
            ) AS ripe
            ORDER BY ripe.due, ripe.id, ripe.site, ripe.profile LIMIT p_timers
        ) AS t;
        SELECT t.due INTO v_next
        FROM (
            (
                SELECT r.due FROM runs AS r
                WHERE r.partition = p_partition AND r.status = 'waiting' AND NOT r.held AND r.due IS NOT NULL
                ORDER BY r.due, r.id LIMIT v_ripe + 1
            )
            UNION ALL
            (
                SELECT p.recheck FROM profiles AS p
                WHERE p.partition = p_partition AND p.recheck IS NOT NULL
                ORDER BY p.recheck, p.site, p.key LIMIT v_ripe + 1
            )
        ) AS t
        ORDER BY t.due LIMIT 1 OFFSET v_ripe;
    END IF;
    RETURN concat(
        '{"entries":[', v_entries, '],"more":', v_more::text, ',"due":[', v_due, '],"next_due":', coalesce(v_next::text, 'null'), '}'
    );
END
$$;

-- p_named, p_profiles, p_joining and p_merging are [{"site", "value"}, …]; p_memory is [{"site", "workflow", "key", "profile", "device_token_hash"}, …].
-- First whom devices and runs belong to, then everything about the profiles: as of one moment, for the function is STABLE.
-- Goals that ended before the last log entry cannot be met any more; of the others those of the longest windows are looked at.
-- A subscriber may come several times: as one that was named, as one of the profile's, as the one that the entry event of a run named.
-- A run may, when it was asked for or has failed.
CREATE OR REPLACE FUNCTION clarion_facts(
    p_partition integer, p_named json, p_profiles json, p_memory json, p_joining json, p_merging json, p_runs text[], p_goals integer,
    p_failed integer
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
        SELECT n.site, n.profile
        FROM json_to_recordset(p_joining) AS j(site integer, value text)
        JOIN named AS n ON n.site = j.site AND n.device_token_hash = j.value
        UNION
        SELECT m.site, m.value FROM json_to_recordset(p_merging) AS m(site integer, value text)
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
                ',"created":', s.created, ',"last_active":', s.last_active, ',"facts":', s.facts, ',"provider":', to_json(s.provider),
                ',"vapid":', s.vapid, ',"logouts":', s.logouts, '}]'
            ), ',')
            FROM known AS s
        ), '],"profiles":[', (
            SELECT string_agg(concat(
                '[', p.site, ',{"key":', to_json(p.key), ',"attributes":', p.attributes, ',"segments":', p.segments, ',"created":', p.created,
                ',"pushed":', p.pushed, ',"merged":', coalesce(to_json(p.merged)::text, 'null'),
                ',"recheck":', coalesce(p.recheck::text, 'null'), ',"offered":', p.offered, '}]'
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

-- Profiles behind a key, in the order of their bytes, also those that have become part of another: it reads no more rows than it gives.
CREATE OR REPLACE FUNCTION clarion_profiles_page(p_partition integer, p_site integer, p_after text, p_limit integer) RETURNS text
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    v_profiles text;
BEGIN
    SELECT string_agg(concat(
        '{"key":', to_json(p.key), ',"attributes":', p.attributes, ',"segments":', p.segments, ',"created":', p.created, ',"pushed":', p.pushed,
        ',"merged":', coalesce(to_json(p.merged)::text, 'null'), ',"recheck":', coalesce(p.recheck::text, 'null'), ',"offered":', p.offered, '}'
    ), ',')
    INTO v_profiles
    FROM (SELECT * FROM profiles WHERE partition = p_partition AND site = p_site AND key > p_after ORDER BY site, key LIMIT p_limit) AS p;
    RETURN concat('[', v_profiles, ']');
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
