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

CREATE OR REPLACE FUNCTION clarion_drop_period(p_table text, p_before bigint) RETURNS bigint
LANGUAGE plpgsql
SET lock_timeout = '200ms'
AS $$
-- Drops the oldest period that ended at or before a time; returns about how many rows it had, at least 1, or 0 where there is no such period.
-- One of deliveries stays as long as one of them is in the outbox. Nobody waits for this for longer than it waits for a lock.
DECLARE
    v_name text;
    v_rows bigint;
BEGIN
    SELECT p.name INTO v_name
    FROM clarion_periods(p_table) AS p
    WHERE p.until <= p_before
        AND (p_table <> 'deliveries' OR NOT EXISTS (SELECT FROM outbox AS o WHERE o.created >= p.since AND o.created < p.until))
    ORDER BY p.since LIMIT 1;
    IF v_name IS NULL THEN
        RETURN 0;
    END IF;
    SELECT greatest(reltuples, 1)::bigint INTO v_rows FROM pg_class WHERE oid = v_name::regclass;
    EXECUTE format('DROP TABLE %I', v_name);
    RETURN v_rows;
END $$;
