-- What is left of people who were erased goes. Few rows, found by the table's first key.

-- name: blank
UPDATE log SET kind = 'erased', body = 'null', profile = ''
WHERE partition = :partition AND sequence IN (SELECT value FROM jsonb_each(:sequences));

-- name: erase_explanations
DELETE FROM explanations
WHERE sequence IN (
    SELECT e.sequence
    FROM jsonb_each(:named) AS n
    CROSS JOIN explanations AS e
    WHERE e.partition = :partition AND e.site = :site AND e.profile = n.value LIMIT :limit
);

-- name: erase_claims
DELETE FROM event_ids
WHERE rowid IN (
    SELECT i.rowid
    FROM jsonb_each(:named) AS n
    CROSS JOIN event_ids AS i
    WHERE i.partition = :partition AND i.site = :site AND i.target = n.value LIMIT :limit
);

-- name: rewrite_part
UPDATE snapshots SET body = :body
WHERE partition = :partition AND sequence = :sequence AND log_time = :log_time AND part = :part;
