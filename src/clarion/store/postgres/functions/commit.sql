-- What a partition's owner writes: one outcome, in one call. Why statements look as they do: see engine.sql.

-- The one transaction in which an outcome is written. What there is none of is NULL. Documents are [{…}, …] of the records' own fields; those
-- that have their default may be missing. Whatever names one thing twice has been brought down to the last.
-- Raises CL001 where another owner has the partition, CL000 where the outcome does not fit what is stored.
CREATE OR REPLACE FUNCTION clarion_commit(
    p_partition integer, p_epoch bigint, p_sequence bigint, p_log_time bigint, p_resumed bigint,
    p_lowest bigint,  -- of the sequences that are written
    p_first bigint, p_moved_at bigint, p_positions bigint[], p_applied_to text[],  -- inbox entries; the first is logged as p_first
    p_logged json, p_logged_bodies text[],
    p_erased_sites integer[], p_erased text[],  -- profiles
    p_profile_sites integer[], p_profiles json,
    p_subscriber_sites integer[], p_subscribers json,
    p_gone_sites integer[], p_gone_subscribers text[],
    p_runs json, p_states text[], p_devices text[], p_gone_runs text[],
    p_memory json, p_workflows json, p_sites json,
    p_gone_segment_sites integer[], p_gone_segments text[], p_segments json,
    p_ended_sites integer[], p_ended_sweeps text[], p_sweeps json, p_sweep_bodies text[],
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

    IF p_erased IS NOT NULL THEN
        PERFORM clarion_erase(p_partition, p_erased_sites, p_erased);
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
        INSERT INTO profiles (partition, site, key, attributes, segments, created, pushed, merged, recheck, offered)
        SELECT
            p_partition, p.site, p.key, coalesce(p.attributes::text, '{}'), coalesce(p.segments::text, '[]'), coalesce(p.created, 0),
            coalesce(p.pushed::text, '{}'), p.merged, p.recheck, coalesce(p.offered::text, '[]')
        FROM ROWS FROM (
            unnest(p_profile_sites),
            json_to_recordset(p_profiles) AS (
                key text, attributes json, segments json, created bigint, pushed json, merged text, recheck bigint, offered json
            )
        ) AS p(site, key, attributes, segments, created, pushed, merged, recheck, offered)
        ON CONFLICT (partition, site, key) DO UPDATE
        SET attributes = excluded.attributes, segments = excluded.segments, created = excluded.created, pushed = excluded.pushed,
            merged = excluded.merged, recheck = excluded.recheck, offered = excluded.offered;
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
        INSERT INTO subscribers (
            partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts, provider, vapid, logouts
        )
        SELECT
            p_partition, s.site, s.device_token_hash, s.profile, s.endpoint, s.p256dh, s.auth, coalesce(s.active, true), coalesce(s.created, 0),
            coalesce(s.last_active, 0), coalesce(s.facts::text, '{}'), coalesce(s.provider, 'webpush'), coalesce(s.vapid, 0),
            coalesce(s.logouts, 0)
        FROM ROWS FROM (
            unnest(p_subscriber_sites),
            json_to_recordset(p_subscribers) AS (
                device_token_hash text, profile text, endpoint text, p256dh text, auth text, active boolean, created bigint, last_active bigint,
                facts json, provider text, vapid integer, logouts integer
            )
        ) AS s(
            site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts, provider, vapid, logouts
        )
        ON CONFLICT (partition, site, device_token_hash) DO UPDATE
        SET profile = excluded.profile, endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, active = excluded.active,
            created = excluded.created, last_active = excluded.last_active, facts = excluded.facts, provider = excluded.provider,
            vapid = excluded.vapid, logouts = excluded.logouts;
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
    IF p_gone_segments IS NOT NULL THEN
        DELETE FROM segment_states AS s USING unnest(p_gone_segment_sites, p_gone_segments) AS g(site, segment)
        WHERE s.partition = p_partition AND s.site = g.site AND s.segment = g.segment;
    END IF;
    IF p_segments IS NOT NULL THEN
        INSERT INTO segment_states (partition, site, segment, condition, defined)
        SELECT p_partition, s.site, s.segment, s.condition, s.defined
        FROM json_to_recordset(p_segments) AS s(site integer, segment text, condition json, defined bigint)
        ON CONFLICT (partition, site, segment) DO UPDATE SET condition = excluded.condition, defined = excluded.defined;
    END IF;
    IF p_ended_sweeps IS NOT NULL THEN
        DELETE FROM sweeps AS s USING unnest(p_ended_sites, p_ended_sweeps) AS e(site, id)
        WHERE s.partition = p_partition AND s.site = e.site AND s.id = e.id;
    END IF;
    IF p_sweeps IS NOT NULL THEN
        INSERT INTO sweeps (partition, site, id, at, entry, body, cursor, done)
        SELECT p_partition, s.site, s.id, s.at, s.entry, s.body, coalesce(s.cursor, ''), coalesce(s.done, 0)
        FROM ROWS FROM (
            json_to_recordset(p_sweeps) AS (site integer, id text, at bigint, entry text, cursor text, done bigint), unnest(p_sweep_bodies)
        ) AS s(site, id, at, entry, cursor, done, body)
        ON CONFLICT (partition, site, id) DO UPDATE
        SET at = excluded.at, entry = excluded.entry, body = excluded.body, cursor = excluded.cursor, done = excluded.done;
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

-- It is rare, and planned anew each time, by how large things are then: nothing of these profiles stays. Rows of the outbox are locked as
-- others lock them: by id.
CREATE OR REPLACE FUNCTION clarion_erase(p_partition integer, p_sites integer[], p_profiles text[]) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_sort = on
AS $$
DECLARE
    v_deliveries text[] := '{}';
BEGIN
    FOR v_place IN 1 .. cardinality(p_profiles) LOOP
        v_deliveries := v_deliveries || ARRAY(
            SELECT id FROM deliveries WHERE partition = p_partition AND site = p_sites[v_place] AND profile = p_profiles[v_place]
        );
    END LOOP;
    PERFORM FROM outbox WHERE partition = p_partition AND id = ANY (v_deliveries) ORDER BY id FOR UPDATE;
    DELETE FROM outbox WHERE partition = p_partition AND id = ANY (v_deliveries);
    FOR v_place IN 1 .. cardinality(p_profiles) LOOP
        DELETE FROM deliveries WHERE partition = p_partition AND site = p_sites[v_place] AND profile = p_profiles[v_place];
        DELETE FROM runs WHERE partition = p_partition AND site = p_sites[v_place] AND profile = p_profiles[v_place];
        DELETE FROM entry_memory WHERE partition = p_partition AND site = p_sites[v_place] AND profile = p_profiles[v_place];
        DELETE FROM subscribers WHERE partition = p_partition AND site = p_sites[v_place] AND profile = p_profiles[v_place];
        DELETE FROM profiles WHERE partition = p_partition AND site = p_sites[v_place] AND key = p_profiles[v_place];
    END LOOP;
END
$$;
