-- Workflows, their versions and drafts.

-- name: workflows
-- Of broadcasts, of which there are ever more, those that are paused or stopped.
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, d.saved
FROM workflows AS w
LEFT JOIN workflow_drafts AS d ON d.site = w.site AND d.workflow = w.workflow
WHERE w.status IN ('paused', 'archived') OR w.workflow !~ '^broadcast-[0-9a-f]{16}$'
ORDER BY w.site, w.workflow;

-- name: broadcasts
-- Newest change first, behind a place.
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, NULL
FROM workflows AS w
WHERE w.site = $1 AND w.workflow ~ '^broadcast-[0-9a-f]{16}$'
    AND ($2::bigint IS NULL OR w.changed < $2 OR w.changed = $2 AND w.workflow > $3)
ORDER BY w.changed DESC, w.workflow
LIMIT $4;

-- name: workflow
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, d.saved
FROM workflows AS w
LEFT JOIN workflow_drafts AS d ON d.site = w.site AND d.workflow = w.workflow
WHERE w.site = $1 AND w.workflow = $2;

-- name: workflow_version
SELECT site, workflow, version, document, source, created FROM workflow_versions
WHERE site = $1 AND workflow = $2 AND version = $3;

-- name: insert_version
INSERT INTO workflow_versions (site, workflow, version, document, source, created) VALUES ($1, $2, $3, $4, $5, $6);

-- name: put_source
-- Comments and layout are no part of what a version says.
UPDATE workflow_versions SET source = $4 WHERE site = $1 AND workflow = $2 AND version = $3;

-- name: put_workflow
-- A paused workflow stays paused when it gets a new version.
INSERT INTO workflows AS w (site, workflow, name, version, status, changed) VALUES ($1, $2, $3, $4, 'active', $5)
ON CONFLICT (site, workflow) DO UPDATE
SET
    name = excluded.name,
    version = excluded.version,
    status = CASE w.status WHEN 'paused' THEN 'paused' ELSE 'active' END,
    changed = excluded.changed
RETURNING workflow;

-- name: set_workflow_status
UPDATE workflows SET status = $4, changed = $5 WHERE site = $1 AND workflow = $2 AND status = $3
RETURNING workflow;

-- name: draft
SELECT site, workflow, source, saved FROM workflow_drafts WHERE site = $1 AND workflow = $2;

-- name: put_draft
INSERT INTO workflow_drafts (site, workflow, source, saved) VALUES ($1, $2, $3, $4)
ON CONFLICT (site, workflow) DO UPDATE SET source = excluded.source, saved = excluded.saved;

-- name: put_unpublished
INSERT INTO workflows (site, workflow, name, version, status, changed) VALUES ($1, $2, $3, 0, 'draft', $4)
ON CONFLICT (site, workflow) DO UPDATE SET name = excluded.name, status = excluded.status, changed = excluded.changed;

-- name: delete_draft
DELETE FROM workflow_drafts WHERE site = $1 AND workflow = $2
RETURNING workflow;

-- name: delete_published_draft
DELETE FROM workflow_drafts WHERE site = $1 AND workflow = $2 AND source = $3;

-- name: delete_unpublished
DELETE FROM workflows WHERE site = $1 AND workflow = $2 AND version = 0;

-- name: run_counts
SELECT c.version, c.step, sum(c.count)::bigint AS count
FROM partitions AS p
CROSS JOIN LATERAL (
    SELECT r.version, coalesce(r.step, '') AS step, count(*) AS count FROM runs AS r
    WHERE r.partition = p.partition AND r.site = $1 AND r.workflow = $2 AND r.status = 'waiting'
    GROUP BY r.version, coalesce(r.step, '')
) AS c
GROUP BY c.version, c.step
ORDER BY c.version, c.step COLLATE "C";

-- name: sweep_counts
SELECT s.id, count(*)::bigint AS partitions, sum(s.done)::bigint AS done
FROM partitions AS p
JOIN sweeps AS s ON s.partition = p.partition AND s.site = $1 AND s.id = ANY($2::text[])
GROUP BY s.id
ORDER BY s.id COLLATE "C";
