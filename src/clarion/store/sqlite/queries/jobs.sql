-- Long work that somebody asked for.

-- name: put_job
-- When it was asked for stays as it is.
INSERT INTO jobs (site, id, kind, status, body, created, changed) VALUES (:site, :id, :kind, :status, :body, :created, :changed)
ON CONFLICT (site, id) DO UPDATE SET kind = excluded.kind, status = excluded.status, body = excluded.body, changed = excluded.changed;

-- name: replace_job
UPDATE jobs SET status = :status, body = :body, changed = :changed
WHERE site = :site AND id = :id AND status = :was_status AND body = :was_body;

-- name: job
SELECT site, id, kind, status, body, created, changed FROM jobs WHERE site = :site AND id = :id;

-- name: jobs
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE coalesce(kind = :kind, 1) AND coalesce(status = :status, 1)
ORDER BY created DESC, id DESC LIMIT :limit;

-- name: jobs_of_site
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE site = :site AND coalesce(kind = :kind, 1) AND coalesce(status = :status, 1)
ORDER BY created DESC, id DESC LIMIT :limit;

-- name: jobs_running
-- Somebody looks for them all the time, and most of the time there are none.
SELECT site, id, kind, status, body, created, changed FROM jobs
WHERE status = 'running' AND coalesce(site = :site, 1) AND coalesce(kind = :kind, 1)
ORDER BY created DESC, id DESC LIMIT :limit;

-- name: forget_jobs
DELETE FROM jobs
WHERE rowid IN (SELECT rowid FROM jobs WHERE status <> 'running' AND changed < :before ORDER BY changed LIMIT :limit);
