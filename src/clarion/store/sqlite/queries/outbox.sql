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
-- What a hold has still to come to is not offered.
WITH
fresh AS MATERIALIZED (
    SELECT o.sequence, o.scheduled FROM outbox AS o
    WHERE o.sequence > :after AND o.scheduled IS NULL AND o.held = 0 AND NOT EXISTS (
        SELECT 1 FROM holds AS h
        WHERE h.partition = 0 AND h.site = o.site AND h.workflow = o.workflow AND o.sequence > h.cursor AND o.sequence <= h.until
    )
    ORDER BY o.sequence LIMIT :limit
),
scheduled AS MATERIALIZED (
    SELECT o.sequence, o.scheduled FROM outbox AS o
    WHERE o.scheduled IS NOT NULL AND o.scheduled <= :now AND o.held = 0 AND o.sequence NOT IN (SELECT value FROM jsonb_each(:claimed))
        AND NOT EXISTS (
            SELECT 1 FROM holds AS h
            WHERE h.partition = 0 AND h.site = o.site AND h.workflow = o.workflow AND o.sequence > h.cursor AND o.sequence <= h.until
        )
    ORDER BY o.scheduled, o.sequence LIMIT :limit
),
returned AS MATERIALIZED (
    SELECT o.sequence, o.scheduled
    FROM jsonb_each(:returned) AS r
    CROSS JOIN outbox AS o
    WHERE o.sequence = r.value AND o.scheduled IS NULL AND o.held = 0 AND NOT EXISTS (
        SELECT 1 FROM holds AS h
        WHERE h.partition = 0 AND h.site = o.site AND h.workflow = o.workflow AND o.sequence > h.cursor AND o.sequence <= h.until
    )
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

-- Holds: each concerns one workflow, and its deliveries get their turn in the order of their sequences.

-- name: put_hold
-- All that are in the outbox now are to be held. What an unfinished release has found stale stays stale.
INSERT INTO holds (partition, site, workflow, released, cutoff, at, cursor, until)
VALUES (:partition, :site, :workflow, 0, 0, 0, 0, (SELECT coalesce(max(sequence), 0) FROM outbox))
ON CONFLICT (partition, site, workflow) DO UPDATE SET released = 0, cursor = 0, until = excluded.until;

-- name: put_release
-- What was to be held and is not yet is let go, or ends, when its turn comes.
INSERT INTO holds (partition, site, workflow, released, cutoff, at, cursor, until)
VALUES (:partition, :site, :workflow, 1, :cutoff, :at, 0, 0)
ON CONFLICT (partition, site, workflow) DO UPDATE SET released = 1, cutoff = max(cutoff, excluded.cutoff), at = excluded.at;

-- name: holds
-- Those with something to do.
SELECT site, workflow, released, cutoff, at, cursor, until FROM holds
WHERE partition = :partition AND (released = 1 OR cursor < until)
ORDER BY site, workflow;

-- name: next_in_outbox
-- Where the turns of the next :limit end, of whichever workflow they are; and those of :workflow among them.
SELECT max(sequence), count(*), CAST(json_group_array(sequence) FILTER (WHERE site = :site AND workflow = :workflow) AS BLOB)
FROM (SELECT sequence, site, workflow FROM outbox WHERE sequence > :cursor AND sequence <= :until ORDER BY sequence LIMIT :limit);

-- name: next_held
-- Pushes that are stale, and are being sent just now, wait until that is over.
SELECT CAST(json_group_array(sequence) AS BLOB)
FROM (
    SELECT o.sequence FROM outbox AS o
    WHERE o.site = :site AND o.workflow = :workflow AND o.held = 1
        AND (
            o.sequence NOT IN (SELECT value FROM jsonb_each(:claimed))
            OR NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.sequence = o.sequence AND d.kind = 'push' AND d.created < :cutoff)
        )
    ORDER BY o.sequence LIMIT :limit
);

-- name: any_held
SELECT EXISTS (SELECT 1 FROM outbox WHERE site = :site AND workflow = :workflow AND held = 1);

-- name: move_hold
UPDATE holds SET cursor = :cursor WHERE partition = :partition AND site = :site AND workflow = :workflow;

-- name: end_hold
-- A pause that knows of stale pushes is remembered until the resume.
DELETE FROM holds WHERE partition = :partition AND site = :site AND workflow = :workflow AND (released = 1 OR cutoff = 0);

-- name: hold
UPDATE outbox SET held = 1 WHERE sequence IN (SELECT value FROM jsonb_each(:sequences));

-- name: stale
-- Pushes created before :cutoff that nobody is sending just now.
SELECT CAST(json_group_array(json_object(
    'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile, 'kind', d.kind,
    'job', json(d.job), 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber, 'hops', d.hops,
    'attempts', json(d.attempts), 'version', d.version
)) AS BLOB)
FROM jsonb_each(:sequences) AS s
CROSS JOIN deliveries AS d
WHERE d.sequence = s.value AND d.kind = 'push' AND d.created < :cutoff AND d.sequence NOT IN (SELECT value FROM jsonb_each(:claimed));

-- name: release
-- Those that are still stale are being sent.
UPDATE outbox SET held = 0, scheduled = coalesce(scheduled, (SELECT due FROM deliveries WHERE deliveries.sequence = outbox.sequence))
WHERE sequence IN (SELECT value FROM jsonb_each(:sequences))
    AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.sequence = outbox.sequence AND d.kind = 'push' AND d.created < :cutoff);
