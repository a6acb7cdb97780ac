-- Long work that somebody asked for.

-- name: put
-- When it was asked for stays as it is.
INSERT INTO jobs (site, id, kind, status, body, created, changed) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (site, id) DO UPDATE SET kind = excluded.kind, status = excluded.status, body = excluded.body, changed = excluded.changed;

-- name: replace
UPDATE jobs SET status = $5, body = $6, changed = $7 WHERE site = $1 AND id = $2 AND status = $3 AND body = $4;

-- name: read
SELECT site, id, kind, status, body, created, changed FROM jobs WHERE site = $1 AND id = $2;

-- name: listed
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR status = $2)
ORDER BY created DESC, id DESC LIMIT $3;

-- name: listed_of_site
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE site = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR status = $3)
ORDER BY created DESC, id DESC LIMIT $4;

-- name: running
-- Somebody looks for them all the time, and most of the time there are none.
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE status = 'running' AND ($1::integer IS NULL OR site = $1) AND ($2::text IS NULL OR kind = $2)
ORDER BY created DESC, id DESC LIMIT $3;

-- name: forget
DELETE FROM jobs
WHERE status <> 'running' AND changed < $1
    AND (site, id) IN (SELECT site, id FROM jobs WHERE status <> 'running' AND changed < $1 ORDER BY changed LIMIT $2)
RETURNING id;
