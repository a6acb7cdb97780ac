-- A batch is one statement, one transaction and one round trip: its columns come as arrays. The one statement on a hot path that may
-- concern several partitions.

-- name: append
-- Nothing is stored where the batch is known: it was stored before. A batch of this id that is still under way is waited for.
WITH marker AS (
    INSERT INTO ingest_batches (partition, batch) VALUES (($2::integer[])[1], $1)
    ON CONFLICT (partition, batch) DO NOTHING
    RETURNING batch
)
INSERT INTO inbox (partition, kind, site, id, body, received)
SELECT e.partition, e.kind, e.site, e.id, e.body, e.received
FROM unnest($2::integer[], $3::text[], $4::integer[], $5::text[], $6::json[], $7::bigint[]) AS e(partition, kind, site, id, body, received)
WHERE EXISTS (SELECT FROM marker);

-- name: append_claimed
SELECT clarion_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: put
-- Inside a transaction of somebody else's.
INSERT INTO inbox (partition, kind, site, id, body, received)
SELECT e.partition, e.kind, e.site, e.id, e.body, e.received
FROM unnest($1::integer[], $2::text[], $3::integer[], $4::text[], $5::json[], $6::bigint[]) AS e(partition, kind, site, id, body, received);

-- name: take_back
DELETE FROM poisoned WHERE partition = $1 AND id = $2
RETURNING id;
