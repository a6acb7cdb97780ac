-- Facts for `clarion doctor`.

-- name: version
SELECT current_setting('server_version');

-- name: bytes
SELECT pg_database_size(current_database());

-- name: waiting
SELECT
    (SELECT count(*) FROM inbox) AS inbox,
    (SELECT count(*) FROM outbox) AS outbox,
    (SELECT min(received) FROM inbox) AS oldest;

-- name: alive
-- Of each role, how many nodes are there; and how many partitions have one of them as their owner.
SELECT
    count(*) FILTER (WHERE roles::jsonb @> '["api"]') AS api,
    count(*) FILTER (WHERE roles::jsonb @> '["engine"]') AS engine,
    count(*) FILTER (WHERE roles::jsonb @> '["delivery"]') AS delivery,
    (SELECT count(*) FROM partitions AS p JOIN nodes AS o ON o.id = p.owner WHERE o.until > clarion_now()) AS owned
FROM nodes
WHERE until > clarion_now();

-- name: missing
-- Of tables, indexes and functions: those that are not there, or are broken.
SELECT e.name
FROM unnest($1::text[]) AS e(name)
WHERE NOT EXISTS (
    SELECT FROM pg_class AS c
    LEFT JOIN pg_index AS x ON x.indexrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = e.name AND coalesce(x.indisvalid, true)
)
AND NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = e.name)
ORDER BY e.name;
