-- What is kept for a while only. Each step names one partition, but for whole periods, which are tables.

-- name: ensure_periods
SELECT clarion_ensure_periods($1, $2);

-- name: drop_period
SELECT clarion_drop_period($1, $2);

-- name: clear_periods
SELECT clarion_clear_periods($1);

-- name: late_periods
-- When the last of the periods ended that are over at a time.
SELECT max(until) FROM clarion_periods('deliveries') WHERE until <= $1;

-- name: forget_events
-- Of the default period: in a partition's log the time never goes back, so the oldest are the first. The rows are named as an array: however
-- many there are when the plan is made, they are found by the key.
DELETE FROM log_default
WHERE partition = $1 AND log_time < $2
    AND sequence = ANY (ARRAY(SELECT sequence FROM log_default WHERE partition = $1 ORDER BY sequence LIMIT $3));

-- name: forget_explanations
DELETE FROM explanations_default
WHERE partition = $1 AND at < $2
    AND sequence = ANY (ARRAY(SELECT sequence FROM explanations_default WHERE partition = $1 ORDER BY sequence LIMIT $3));

-- name: forget_deliveries
-- One that has not ended has no time of it.
DELETE FROM deliveries_default
WHERE partition = $1 AND finished < $2
    AND id = ANY (ARRAY(
        SELECT id FROM deliveries_default
        WHERE partition = $1 AND created <= $2 AND finished < $2
        ORDER BY created LIMIT $3
    ));

-- name: forget_late_deliveries
-- Of periods that are over but cannot go.
DELETE FROM deliveries
WHERE partition = $1 AND created < $4 AND finished < $2
    AND id = ANY (ARRAY(SELECT id FROM deliveries WHERE partition = $1 AND created < $4 AND finished < $2 LIMIT $3));

-- name: forget_runs
DELETE FROM runs
WHERE partition = $1
    AND id = ANY (ARRAY(
        SELECT id FROM runs
        WHERE partition = $1 AND ended IS NOT NULL AND greatest(ended, goal_until) < $2
        ORDER BY greatest(ended, goal_until) LIMIT $3
        FOR UPDATE SKIP LOCKED
    ));

-- name: forget_claims
DELETE FROM event_ids
WHERE partition = $1 AND left(target, 2) <> 'r:' AND received < $2
    AND received <= (
        SELECT max(received) FROM (
            SELECT received FROM event_ids WHERE partition = $1 AND left(target, 2) <> 'r:' ORDER BY received LIMIT $3
        ) AS oldest
    );

-- name: forget_claims_of_receipts
DELETE FROM event_ids
WHERE partition = $1 AND left(target, 2) = 'r:' AND received < $2
    AND received <= (
        SELECT max(received) FROM (
            SELECT received FROM event_ids WHERE partition = $1 AND left(target, 2) = 'r:' ORDER BY received LIMIT $3
        ) AS oldest
    );

-- name: forget_batches
-- Their ids begin with their times.
DELETE FROM ingest_batches
WHERE partition = $1 AND batch < $2
    AND batch = ANY (ARRAY(SELECT batch FROM ingest_batches WHERE partition = $1 ORDER BY batch LIMIT $3));
