-- Processes that work on this database, and which partitions they own. Leases are by the database's clock.

-- name: now
SELECT clarion_now();

-- name: beat
SELECT clarion_beat($1, $2, $3, $4);

-- name: own
-- Free, one's own, or of a node whose lease has run out. An epoch that was given before this database went back in time, to a standby that had
-- not heard of it or to a backup, is not given again: it is taken from the clock. Nothing volatile can be in a distributed UPDATE.
UPDATE partitions
SET epoch = greatest(epoch + 1, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint), owner = nullif($2, '')
WHERE partition = $1
    AND (
        owner IS NULL OR owner = $2
        OR NOT EXISTS (SELECT FROM nodes WHERE id = owner AND until > extract(epoch FROM statement_timestamp()) * 1000000)
    )
RETURNING partition, epoch, sequence, log_time, resumed;

-- name: partition
SELECT partition FROM partitions WHERE partition = $1;

-- name: disown
UPDATE partitions SET owner = NULL WHERE partition = $1 AND owner = $2
RETURNING partition;

-- name: leave
SELECT clarion_leave($1);

-- name: dirty
SELECT asked.partition
FROM unnest($1::integer[]) AS asked(partition)
WHERE EXISTS (SELECT FROM inbox WHERE inbox.partition = asked.partition)
ORDER BY 1;

-- name: lags
SELECT partition, inbox, oldest, outbox FROM clarion_lags($1);
