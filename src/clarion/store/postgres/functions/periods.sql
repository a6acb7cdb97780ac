-- Periods: the parts by time of the tables `log`, `explanations` and `deliveries`, each a table of its own, which is dropped whole. What belongs
-- to none of them stands in the default one.

CREATE OR REPLACE FUNCTION clarion_periods(p_table text) RETURNS TABLE (name text, since bigint, until bigint)
LANGUAGE sql STABLE AS $$
-- The periods of a table, in order, with the times that they reach from and to.
    SELECT b.name, b.bounds[1]::bigint, b.bounds[2]::bigint
    FROM (
        SELECT c.relname AS name, regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(\d+)''?\) TO \(''?(\d+)''?\)') AS bounds
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = p_table::regclass
    ) AS b
    WHERE b.bounds IS NOT NULL
    ORDER BY 2
$$;

CREATE OR REPLACE FUNCTION clarion_make_period(p_table text, p_since bigint, p_until bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
-- Makes a period, unless there is one, or rows of that time stand in the default one already; returns whether it did.
DECLARE
    v_name text := p_table || '_' || to_char(to_timestamp(p_since / 1000000) AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
BEGIN
    IF EXISTS (SELECT FROM clarion_periods(p_table) AS p WHERE p.since < p_until AND p.until > p_since) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', v_name, p_table);
    IF p_table = 'deliveries' THEN
        EXECUTE format('ALTER TABLE %I SET (fillfactor = 80)', v_name);
    END IF;
    -- Writers of other periods go on meanwhile, as they do not where a table is made as a part of another.
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', p_table, v_name, p_since, p_until);
    RETURN true;
EXCEPTION WHEN check_violation THEN
    RETURN false;
END $$;

CREATE OR REPLACE FUNCTION clarion_ensure_periods(p_length bigint, p_ahead integer) RETURNS integer
LANGUAGE plpgsql
SET lock_timeout = '200ms'
AS $$
-- Makes the period that is now and p_ahead more, of each table; returns how many it made. Nothing is made where another process is at it.
DECLARE
    v_now   bigint := clarion_now();
    v_table text;
    v_made  integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1129072209) THEN
        RETURN 0;
    END IF;
    FOREACH v_table IN ARRAY ARRAY['log', 'explanations', 'deliveries'] LOOP
        FOR v_place IN 0 .. p_ahead LOOP
            IF clarion_make_period(v_table, (v_now / p_length + v_place) * p_length, (v_now / p_length + v_place + 1) * p_length) THEN
                v_made := v_made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN v_made;
END $$;

CREATE OR REPLACE FUNCTION clarion_clear_periods(p_now bigint) RETURNS void
LANGUAGE plpgsql AS $$
-- Notes of which periods of deliveries all have ended by now. One of them is over for an hour before that: no commit still creates any in it.
DECLARE
    v_period record;
BEGIN
    FOR v_period IN
        SELECT p.since, p.until FROM clarion_periods('deliveries') AS p
        WHERE p.until <= p_now - 3600000000
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM cleared AS c WHERE c.since = v_period.since);
        CONTINUE WHEN EXISTS (SELECT FROM outbox AS o WHERE o.created >= v_period.since AND o.created < v_period.until);
        INSERT INTO cleared (since, at) VALUES (v_period.since, p_now) ON CONFLICT (since) DO NOTHING;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION clarion_drop_period(p_table text, p_before bigint) RETURNS bigint
LANGUAGE plpgsql
SET lock_timeout = '200ms'
AS $$
-- Drops the oldest period that ended at or before a time; returns about how many rows it had, at least 1, or 0 where there is no such period.
-- One of deliveries goes when all of them, too, had ended at that time. Nobody waits for this for longer than it waits for a lock.
DECLARE
    v_period record;
    v_rows   bigint;
BEGIN
    FOR v_period IN SELECT p.name, p.since, p.until FROM clarion_periods(p_table) AS p WHERE p.until <= p_before ORDER BY p.since LOOP
        IF p_table = 'deliveries' THEN
            CONTINUE WHEN NOT EXISTS (SELECT FROM cleared AS c WHERE c.since = v_period.since AND c.at <= p_before);
            CONTINUE WHEN EXISTS (SELECT FROM outbox AS o WHERE o.created >= v_period.since AND o.created < v_period.until);
            DELETE FROM cleared WHERE since = v_period.since;
        END IF;
        SELECT greatest(reltuples, 1)::bigint INTO v_rows FROM pg_class WHERE oid = v_period.name::regclass;
        EXECUTE format('DROP TABLE %I', v_period.name);
        RETURN v_rows;
    END LOOP;
    RETURN 0;
END $$;
