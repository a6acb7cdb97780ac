-- Deliveries and their way out. A delivery is pending as long as it has a row in the outbox.

-- name: last_delivery
SELECT coalesce(max(sequence), 0) FROM deliveries;

-- name: insert_deliveries
-- A delivery that is already known, under way or ended, stays as it is.
INSERT INTO deliveries (
    partition, id, site, effect, run, workflow, step, profile, kind, job, created, due, expires, subscriber, hops, attempts, version,
    status
)
SELECT
    :partition, value ->> 'id', value ->> 'site', value ->> 'effect', value ->> 'run', value ->> 'workflow', value ->> 'step',
    value ->> 'profile', value ->> 'kind', value -> 'job', value ->> 'created', value ->> 'due', value ->> 'expires', value ->> 'subscriber',
    coalesce(value ->> 'hops', 0), coalesce(value -> 'attempts', '[]'), coalesce(value ->> 'version', 0), 'pending'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, id) DO NOTHING;

-- name: enqueue_deliveries
-- What is due by the time of this commit is fresh and needs no place in the schedule.
INSERT INTO outbox (sequence, site, workflow, scheduled, held)
SELECT sequence, site, workflow, iif(due > :log_time, due, NULL), 0 FROM deliveries WHERE sequence > :after;

-- name: claim
-- Fresh ones are read on from :after and never again; of the scheduled ones those in :claimed are passed over; :returned are offered once more.
-- `until`: how far the fresh ones are read when fewer than :limit are left, held ones included (a release schedules them).
WITH
fresh AS MATERIALIZED (
    SELECT sequence, scheduled FROM outbox WHERE sequence > :after AND scheduled IS NULL AND held = 0 ORDER BY sequence LIMIT :limit
),
scheduled AS MATERIALIZED (
    SELECT sequence, scheduled FROM outbox
    WHERE scheduled IS NOT NULL AND scheduled <= :now AND held = 0 AND sequence NOT IN (SELECT value FROM jsonb_each(:claimed))
    ORDER BY scheduled, sequence LIMIT :limit
),
returned AS MATERIALIZED (
    SELECT o.sequence, o.scheduled
    FROM jsonb_each(:returned) AS r
    CROSS JOIN outbox AS o
    WHERE o.sequence = r.value AND o.scheduled IS NULL AND o.held = 0
)
SELECT CAST(
    '{"candidates":' || (
        SELECT json_group_array(json_object(
            'sequence', o.sequence, 'scheduled', o.scheduled, 'delivery', json_object(
                'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
                'kind', d.kind, 'job', json(d.job), 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
                'hops', d.hops, 'attempts', json(d.attempts), 'version', d.version
            )
        ))
        FROM (SELECT * FROM returned UNION ALL SELECT * FROM scheduled UNION ALL SELECT * FROM fresh) AS o
        CROSS JOIN deliveries AS d
        WHERE d.sequence = o.sequence
    )
    || ',"exhausted":' || iif((SELECT count(*) FROM fresh) < :limit, 'true', 'false')
    || ',"until":' || coalesce((SELECT max(sequence) FROM outbox), 'null')
    || ',"later":' || coalesce((SELECT min(scheduled) FROM outbox WHERE scheduled IS NOT NULL AND scheduled > :now AND held = 0), 'null')
    || '}'
AS BLOB);

-- In the next statements the deliveries concerned are looked up first, MATERIALIZED, or the planner would go through the whole table for them.

-- name: outcomes
-- The engine hears of each ended delivery that was still pending. :rows is [{"id", "site", "entry", "body", "at", …}, …].
INSERT INTO inbox (partition, kind, site, id, body, received)
SELECT d.partition, 'outcome', r.value ->> 'site', r.value ->> 'entry', r.value -> 'body', r.value ->> 'at'
FROM jsonb_each(:rows) AS r
CROSS JOIN deliveries AS d
WHERE d.partition = 0 AND d.id = r.value ->> 'id' AND d.status = 'pending';

-- name: dequeue
DELETE FROM outbox
WHERE sequence IN (
    SELECT d.sequence FROM jsonb_each(:rows) AS r CROSS JOIN deliveries AS d WHERE d.partition = 0 AND d.id = r.value ->> 'id'
);

-- name: end
WITH ended (sequence, status, attempts, finished) AS MATERIALIZED (
    SELECT d.sequence, r.value ->> 'status', r.value -> 'attempts', r.value ->> 'at'
    FROM jsonb_each(:rows) AS r
    CROSS JOIN deliveries AS d
    WHERE d.partition = 0 AND d.id = r.value ->> 'id' AND d.status = 'pending'
)
UPDATE deliveries SET status = ended.status, attempts = ended.attempts, finished = ended.finished
FROM ended WHERE deliveries.sequence = ended.sequence;

-- name: schedule
WITH tried (sequence, due) AS MATERIALIZED (
    SELECT d.sequence, r.value ->> 'due' FROM jsonb_each(:rows) AS r CROSS JOIN deliveries AS d
    WHERE d.partition = 0 AND d.id = r.value ->> 'id'
)
UPDATE outbox SET scheduled = tried.due FROM tried WHERE outbox.sequence = tried.sequence;

-- name: postpone
WITH tried (sequence, due, attempts) AS MATERIALIZED (
    SELECT d.sequence, r.value ->> 'due', r.value -> 'attempts' FROM jsonb_each(:rows) AS r CROSS JOIN deliveries AS d
    WHERE d.partition = 0 AND d.id = r.value ->> 'id' AND d.status = 'pending'
)
UPDATE deliveries SET due = tried.due, attempts = tried.attempts FROM tried WHERE deliveries.sequence = tried.sequence;

-- name: hold
UPDATE outbox SET held = 1 WHERE site = :site AND workflow = :workflow AND held = 0;

-- name: stale
-- Held pushes created before :cutoff that nobody is sending just now.
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'effect', effect, 'run', run, 'workflow', workflow, 'step', step, 'profile', profile, 'kind', kind,
    'job', json(job), 'created', created, 'due', due, 'expires', expires, 'subscriber', subscriber, 'hops', hops, 'attempts', json(attempts),
    'version', version
)) AS BLOB)
FROM (
    SELECT d.* FROM outbox AS o
    CROSS JOIN deliveries AS d
    WHERE o.site = :site AND o.workflow = :workflow AND o.held = 1 AND d.sequence = o.sequence AND d.kind = 'push' AND d.created < :cutoff
        AND o.sequence NOT IN (SELECT value FROM jsonb_each(:claimed))
    ORDER BY d.sequence LIMIT :limit
);

-- name: release
UPDATE outbox SET held = 0, scheduled = coalesce(scheduled, (SELECT due FROM deliveries WHERE deliveries.sequence = outbox.sequence))
WHERE site = :site AND workflow = :workflow AND held = 1;
