-- Nodes and their leases.

CREATE OR REPLACE FUNCTION clarion_now() RETURNS bigint
LANGUAGE sql VOLATILE
-- UTC microseconds by this server's clock, of the moment that it is called.
RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

CREATE OR REPLACE FUNCTION clarion_beat(p_node text, p_roles text, p_host text, p_lasts bigint) RETURNS text
LANGUAGE plpgsql AS $$
-- Renews a lease, and forgets nodes that ended long ago; returns {"now", "nodes": [[id, roles, host], …], "owners": [[partition, node], …]}.
DECLARE
    v_now bigint := clarion_now();
BEGIN
    INSERT INTO nodes AS known (id, roles, host, until) VALUES (p_node, p_roles, p_host, v_now + p_lasts)
    ON CONFLICT (id) DO UPDATE SET roles = excluded.roles, host = excluded.host, until = greatest(known.until, excluded.until);
    DELETE FROM nodes WHERE id IN (SELECT id FROM nodes WHERE until < v_now - 60000000 FOR UPDATE SKIP LOCKED);
    RETURN json_build_object(
        'now', clarion_now(),
        'nodes', (SELECT coalesce(json_agg(json_build_array(id, roles::json, host) ORDER BY id), '[]') FROM nodes WHERE until > v_now),
        'owners', (SELECT coalesce(json_agg(json_build_array(partition, owner)), '[]') FROM partitions WHERE owner IS NOT NULL)
    );
END $$;

CREATE OR REPLACE FUNCTION clarion_leave(p_node text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_partition integer;
BEGIN
    DELETE FROM nodes WHERE id = p_node;
    -- In order of their numbers: two that leave, or a commit and this, cannot wait for each other. One by one, because rows of several shards
    -- cannot be locked at once.
    FOR v_partition IN SELECT p.partition FROM partitions AS p WHERE p.owner = p_node ORDER BY p.partition LOOP
        UPDATE partitions SET owner = NULL WHERE partition = v_partition AND owner = p_node;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION clarion_lags(p_limit integer) RETURNS TABLE (partition integer, inbox bigint, oldest bigint, outbox bigint)
LANGUAGE sql STABLE
-- Each partition has a few rows, or none, or millions: by the indexes, always.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
AS $$
-- What waits, by partition. Of an inbox the first p_limit entries are counted. Where there are more, the way from there to the last one is cut
-- into 16 stretches, and how densely the first 32 entries of each stand tells how many it has: bursts are seen as such.
    SELECT
        p.partition,
        CASE
            WHEN f.count < p_limit THEN f.count
            ELSE f.count + (
                SELECT coalesce(sum((l.position - f.last) / 16.0 * s.count / (s.last - c.since + 1)), 0)
                FROM generate_series(0, 15) AS n
                CROSS JOIN LATERAL (SELECT f.last + 1 + n * (l.position - f.last) / 16 AS since) AS c
                CROSS JOIN LATERAL (
                    SELECT count(*) AS count, max(few.position) AS last
                    FROM (
                        SELECT i.position FROM inbox AS i WHERE i.partition = p.partition AND i.position >= c.since
                        ORDER BY i.position LIMIT 32
                    ) AS few
                ) AS s
                WHERE s.count > 0
            )::bigint
        END,
        (SELECT i.received FROM inbox AS i WHERE i.partition = p.partition AND i.position = f.first),
        o.count
    FROM partitions AS p
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(few.position) AS first, max(few.position) AS last
        FROM (SELECT i.position FROM inbox AS i WHERE i.partition = p.partition ORDER BY i.position LIMIT p_limit) AS few
    ) AS f
    CROSS JOIN LATERAL (SELECT max(i.position) AS position FROM inbox AS i WHERE i.partition = p.partition) AS l
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (SELECT FROM outbox AS o WHERE o.partition = p.partition LIMIT p_limit) AS few
    ) AS o
    WHERE f.count > 0 OR o.count > 0
    ORDER BY p.partition
$$;
