-- A batch is one statement: its rows come as one JSON array, so that the whole of it is one step outside Python's lock.

-- name: insert_entries
-- :rows is [[kind, site, id, start, length, received], …]; the bodies lie end to end in :bodies, so they are neither escaped nor parsed on the way.
INSERT INTO inbox (partition, kind, site, id, body, received)
SELECT 0, value ->> 0, value ->> 1, value ->> 2, CAST(substr(:bodies, value ->> 3, value ->> 4) AS TEXT), value ->> 5
FROM jsonb_each(:rows);

-- name: find_claims
-- :claims is [[ordinal, site, target, event_id], …]; gives [[ordinal, content], …] of those that are held.
SELECT CAST(json_group_array(json_array(c.value ->> 0, e.content)) AS BLOB)
FROM jsonb_each(:claims) AS c
CROSS JOIN event_ids AS e
WHERE e.partition = 0 AND e.site = c.value ->> 1 AND e.target = c.value ->> 2 AND e.event_id = c.value ->> 3;

-- name: insert_claims
-- :claims is [[site, target, event_id, content, entry, received], …].
INSERT INTO event_ids (partition, site, target, event_id, content, entry, received)
SELECT 0, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each(:claims);

-- name: take_back
DELETE FROM poisoned WHERE partition = 0 AND id = :id
RETURNING id;

-- name: forget_all_claims
-- From the front of the table, whatever they are of.
DELETE FROM event_ids
WHERE received < :before AND rowid IN (SELECT rowid FROM event_ids ORDER BY rowid LIMIT :limit);

-- name: oldest_claims
-- How many of the next ones are read, and up to where all of them are from before a time; nothing where none is.
SELECT count(*), coalesce(min(iif(received >= :before, place, NULL)) - 1, max(place))
FROM (SELECT rowid AS place, received FROM event_ids WHERE rowid > :after ORDER BY rowid LIMIT :limit);

-- name: forget_claims
-- Those of receipts, `r:`, stay.
DELETE FROM event_ids WHERE rowid > :after AND rowid <= :until AND substr(target, 1, 2) <> 'r:';

-- name: last_claim
SELECT coalesce(max(rowid), 0) FROM event_ids;
