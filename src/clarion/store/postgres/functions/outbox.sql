-- Deliveries and their way out; each call names one partition. A delivery is pending as long as it has a row in the outbox.
-- Rows of the outbox are locked in the order of their ids, so that two calls cannot wait for each other.
-- Why statements look as they do: see engine.sql.

-- What is due is p_node's from now on, the oldest first; returns {"deliveries": [{…}, …], "due": when the next one is}.
CREATE OR REPLACE FUNCTION clarion_claim(p_partition integer, p_node text, p_limit integer, p_now bigint) RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
DECLARE
    v_deliveries text;
    v_due        bigint;
BEGIN
    WITH ripe AS MATERIALIZED (
        SELECT * FROM outbox
        WHERE partition = p_partition AND NOT held AND claimed IS NULL AND due <= p_now
        ORDER BY due, sequence LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ),
    taken AS (
        INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held, claimed)
        SELECT partition, id, created, sequence, site, workflow, due, held, p_node FROM ripe
        ON CONFLICT (partition, id) DO UPDATE SET claimed = excluded.claimed
    )
    SELECT string_agg(concat(
        '{"id":', to_json(d.id), ',"site":', d.site, ',"effect":', to_json(d.effect), ',"run":', to_json(d.run),
        ',"workflow":', to_json(d.workflow), ',"step":', to_json(d.step), ',"profile":', to_json(d.profile), ',"kind":', to_json(d.kind),
        ',"job":', d.job, ',"created":', d.created, ',"due":', r.due, ',"expires":', d.expires,
        ',"subscriber":', coalesce(to_json(d.subscriber)::text, 'null'), ',"hops":', d.hops, ',"attempts":', d.attempts,
        ',"version":', d.version, ',"partition":', d.partition, '}'
    ), ',')
    INTO v_deliveries
    FROM ripe AS r
    CROSS JOIN LATERAL (
        SELECT * FROM deliveries WHERE partition = p_partition AND id >= r.id AND id <= r.id AND created = r.created ORDER BY id LIMIT 1
    ) AS d;
    SELECT due INTO v_due FROM outbox
    WHERE partition = p_partition AND NOT held AND claimed IS NULL
    ORDER BY due, sequence LIMIT 1;
    RETURN concat('{"deliveries":[', v_deliveries, '],"due":', coalesce(v_due::text, 'null'), '}');
END
$$;

-- Ended deliveries leave the outbox, and the engine is told, in the order of p_places: p_told are the partitions whose inbox gets p_entries and
-- p_bodies. One that has ended before is passed over.
CREATE OR REPLACE FUNCTION clarion_end(
    p_partition integer, p_places integer[], p_ids text[], p_at bigint[], p_outcomes text[], p_attempts text[], p_told integer[],
    p_entries text[], p_bodies text[]
) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
DECLARE
    v_spots tid[];
    v_spot  tid;
BEGIN
    WITH ended AS MATERIALIZED (
        SELECT e.*, o.created, o.site, o.spot
        FROM unnest(p_places, p_ids, p_at, p_outcomes, p_attempts, p_told, p_entries, p_bodies)
            AS e(place, id, at, outcome, attempts, told, entry, body)
        CROSS JOIN LATERAL (
            SELECT created, site, ctid AS spot FROM outbox
            WHERE partition = p_partition AND id >= e.id AND id <= e.id
            ORDER BY id LIMIT 1 FOR UPDATE
        ) AS o
    ),
    told AS (
        INSERT INTO inbox (partition, kind, site, id, body, received)
        SELECT told, 'outcome', site, entry, body, at FROM ended ORDER BY place
    ),
    written AS (
        INSERT INTO deliveries (
            partition, id, created, sequence, site, effect, run, workflow, step, profile, kind, job, due, expires, subscriber, hops, version,
            attempts, status, finished
        )
        SELECT
            d.partition, d.id, d.created, d.sequence, d.site, d.effect, d.run, d.workflow, d.step, d.profile, d.kind, d.job, d.due, d.expires,
            d.subscriber, d.hops, d.version, e.attempts, e.outcome, e.at
        FROM ended AS e
        CROSS JOIN LATERAL (
            SELECT * FROM deliveries WHERE partition = p_partition AND id >= e.id AND id <= e.id AND created = e.created ORDER BY id LIMIT 1
        ) AS d
        ON CONFLICT (partition, id, created) DO UPDATE
        SET attempts = excluded.attempts, status = excluded.status, finished = excluded.finished
    )
    SELECT coalesce(array_agg(spot), '{}') INTO v_spots FROM ended;
    FOREACH v_spot IN ARRAY v_spots LOOP
        DELETE FROM outbox WHERE partition = p_partition AND ctid = v_spot;
    END LOOP;
END
$$;

-- Deliveries are to be tried again, at p_again; p_due is when they were due as they were claimed. Where that is not so any more, or another
-- node that lives has the delivery, it was said before: it is passed over.
CREATE OR REPLACE FUNCTION clarion_postpone(
    p_partition integer, p_node text, p_ids text[], p_due bigint[], p_again bigint[], p_attempts text[]
) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
BEGIN
    WITH tried AS MATERIALIZED (
        SELECT o.*, t.again, t.attempts
        FROM unnest(p_ids, p_due, p_again, p_attempts) AS t(id, due, again, attempts)
        CROSS JOIN LATERAL (
            SELECT * FROM outbox
            WHERE partition = p_partition AND id >= t.id AND id <= t.id AND due = t.due
                AND (claimed IS NULL OR claimed = p_node OR claimed <> ALL (ARRAY(SELECT n.id FROM nodes AS n WHERE n.until > clarion_now())))
            ORDER BY id LIMIT 1 FOR UPDATE
        ) AS o
    ),
    postponed AS (
        INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held)
        SELECT partition, id, created, sequence, site, workflow, again, held FROM tried
        ON CONFLICT (partition, id) DO UPDATE SET due = excluded.due, claimed = NULL
    )
    INSERT INTO deliveries (
        partition, id, created, sequence, site, effect, run, workflow, step, profile, kind, job, due, expires, subscriber, hops, version,
        attempts, status
    )
    SELECT
        d.partition, d.id, d.created, d.sequence, d.site, d.effect, d.run, d.workflow, d.step, d.profile, d.kind, d.job, t.again, d.expires,
        d.subscriber, d.hops, d.version, t.attempts, d.status
    FROM tried AS t
    CROSS JOIN LATERAL (
        SELECT * FROM deliveries WHERE partition = p_partition AND id >= t.id AND id <= t.id AND created = t.created ORDER BY id LIMIT 1
    ) AS d
    ON CONFLICT (partition, id, created) DO UPDATE SET due = excluded.due, attempts = excluded.attempts;
END
$$;

-- What came of attempts: of those that ended, and of those that are to be repeated. Each kind comes by id: whoever locks rows of the outbox does
-- so in that order, and where there are both kinds all are locked, in one order, before the first is written.
CREATE OR REPLACE FUNCTION clarion_report(
    p_partition integer, p_node text,
    p_places integer[], p_ids text[], p_at bigint[], p_outcomes text[], p_attempts text[], p_told integer[], p_entries text[], p_bodies text[],
    p_again_ids text[], p_again_due bigint[], p_again_at bigint[], p_again_attempts text[]
) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
BEGIN
    IF cardinality(p_ids) > 0 AND cardinality(p_again_ids) > 0 THEN
        PERFORM FROM (SELECT id FROM unnest(p_ids || p_again_ids) AS b(id) ORDER BY id COLLATE "C") AS e
        CROSS JOIN LATERAL (
            SELECT FROM outbox WHERE partition = p_partition AND id >= e.id AND id <= e.id ORDER BY id LIMIT 1 FOR UPDATE
        ) AS o;
    END IF;
    IF cardinality(p_ids) > 0 THEN
        PERFORM clarion_end(p_partition, p_places, p_ids, p_at, p_outcomes, p_attempts, p_told, p_entries, p_bodies);
    END IF;
    IF cardinality(p_again_ids) > 0 THEN
        PERFORM clarion_postpone(p_partition, p_node, p_again_ids, p_again_due, p_again_at, p_again_attempts);
    END IF;
END
$$;

-- Claimed deliveries are free again, as far as p_node still has them.
CREATE OR REPLACE FUNCTION clarion_unclaim(p_partition integer, p_node text, p_ids text[]) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
BEGIN
    INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held)
    SELECT o.partition, o.id, o.created, o.sequence, o.site, o.workflow, o.due, o.held
    FROM unnest(p_ids) AS c(id)
    CROSS JOIN LATERAL (
        SELECT * FROM outbox
        WHERE partition = p_partition AND id >= c.id AND id <= c.id AND claimed = p_node
        ORDER BY id LIMIT 1 FOR UPDATE
    ) AS o
    ON CONFLICT (partition, id) DO UPDATE SET claimed = NULL;
END
$$;

-- Where something waits that is neither held nor claimed, and when the first of it is due.
CREATE OR REPLACE FUNCTION clarion_due() RETURNS TABLE (partition integer, due bigint)
LANGUAGE plpgsql STABLE
SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.partition, o.due
    FROM partitions AS p
    CROSS JOIN LATERAL (
        SELECT due FROM outbox WHERE partition = p.partition AND NOT held AND claimed IS NULL ORDER BY due, sequence LIMIT 1
    ) AS o;
END
$$;

-- The next are rare, and planned anew each time, by how large things are then.

-- Who has how many of a partition's deliveries, and whether that one's lease runs.
CREATE OR REPLACE FUNCTION clarion_claimants() RETURNS TABLE (partition integer, node text, count bigint, alive boolean)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.partition, c.claimed, c.count, EXISTS (SELECT FROM nodes AS n WHERE n.id = c.claimed AND n.until > clarion_now())
    FROM (SELECT partition, claimed, count(*) FROM outbox WHERE claimed IS NOT NULL GROUP BY partition, claimed) AS c;
END
$$;

-- Free again is what nodes that are gone had claimed, and what p_node has claimed and, the answer being lost, knows nothing of; returns how many.
CREATE OR REPLACE FUNCTION clarion_recover(p_partition integer, p_node text, p_known text[]) RETURNS bigint
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_count bigint;
BEGIN
    WITH lost AS MATERIALIZED (
        SELECT id FROM outbox
        WHERE partition = p_partition AND claimed IS NOT NULL
            AND CASE
                WHEN claimed = p_node THEN id <> ALL (p_known)
                ELSE claimed <> ALL (ARRAY(SELECT n.id FROM nodes AS n WHERE n.until > clarion_now()))
            END
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox AS o SET claimed = NULL FROM lost AS l WHERE o.partition = p_partition AND o.id = l.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- A workflow's deliveries are kept back, also those that come back from an attempt.
CREATE OR REPLACE FUNCTION clarion_hold(p_partition integer, p_site integer, p_workflow text) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    WITH waiting AS MATERIALIZED (
        SELECT id FROM outbox WHERE partition = p_partition AND site = p_site AND workflow = p_workflow AND NOT held ORDER BY id FOR UPDATE
    )
    UPDATE outbox AS o SET held = true FROM waiting AS w WHERE o.partition = p_partition AND o.id = w.id;
    -- What an unfinished release has found stale stays stale.
    UPDATE holds AS h SET released = false WHERE h.partition = p_partition AND h.site = p_site AND h.workflow = p_workflow;
END
$$;

-- A workflow's deliveries are to be let go, those that are stale to end; each stays held until its turn comes.
CREATE OR REPLACE FUNCTION clarion_put_release(p_partition integer, p_site integer, p_workflow text, p_cutoff bigint, p_at bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO holds AS h (partition, site, workflow, released, cutoff, at)
    VALUES (p_partition, p_site, p_workflow, true, p_cutoff, p_at)
    ON CONFLICT (partition, site, workflow) DO UPDATE
    SET released = true, cutoff = greatest(h.cutoff, excluded.cutoff), at = excluded.at;
END
$$;

-- The next piece of a release, but pushes that are stale and just being sent: by p_node, or another node that lives. Those that are not stale are
-- let go; the others are returned. How many there are is not known to whoever plans this: deliveries are looked up one by one, as further up.
CREATE OR REPLACE FUNCTION clarion_release(
    p_partition integer, p_node text, p_site integer, p_workflow text, p_cutoff bigint, p_limit integer, OUT o_released bigint,
    OUT o_stale text
)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET enable_sort = off
AS $$
BEGIN
    WITH turn AS MATERIALIZED (
        SELECT * FROM outbox
        WHERE partition = p_partition AND site = p_site AND workflow = p_workflow AND held
            AND (
                created >= p_cutoff
                OR claimed IS NULL
                OR claimed <> p_node AND claimed <> ALL (ARRAY(SELECT n.id FROM nodes AS n WHERE n.until > clarion_now()))
            )
        ORDER BY sequence LIMIT p_limit
        FOR UPDATE
    ),
    stale AS MATERIALIZED (
        SELECT d.*
        FROM turn AS o
        CROSS JOIN LATERAL (
            SELECT * FROM deliveries WHERE partition = p_partition AND id >= o.id AND id <= o.id AND created = o.created ORDER BY id LIMIT 1
        ) AS d
        WHERE o.created < p_cutoff AND d.kind = 'push'
    ),
    released AS (
        INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held, claimed)
        SELECT partition, id, created, sequence, site, workflow, due, held, claimed FROM turn
        WHERE created >= p_cutoff OR id <> ALL (ARRAY(SELECT id FROM stale))
        ON CONFLICT (partition, id) DO UPDATE SET held = false
        RETURNING id
    )
    SELECT
        (SELECT count(*) FROM released),
        (
            SELECT coalesce(json_agg(json_build_object(
                'id', s.id, 'site', s.site, 'effect', s.effect, 'run', s.run, 'workflow', s.workflow, 'step', s.step, 'profile', s.profile,
                'kind', s.kind, 'job', s.job::json, 'created', s.created, 'due', s.due, 'expires', s.expires, 'subscriber', s.subscriber,
                'hops', s.hops, 'attempts', s.attempts::json, 'version', s.version, 'partition', s.partition
            ) ORDER BY s.sequence), '[]')
            FROM stale AS s
        )
    INTO o_released, o_stale;
END
$$;

-- Whether some of a workflow's deliveries are held.
CREATE OR REPLACE FUNCTION clarion_any_held(p_partition integer, p_site integer, p_workflow text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM outbox WHERE partition = p_partition AND site = p_site AND workflow = p_workflow AND held);
END
$$;
