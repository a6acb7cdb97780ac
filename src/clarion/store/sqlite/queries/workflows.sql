-- Workflows, their versions and drafts.

-- name: workflows
-- Of broadcasts, of which there are ever more, those that are paused or stopped.
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, d.saved
FROM workflows AS w
LEFT JOIN workflow_drafts AS d ON d.site = w.site AND d.workflow = w.workflow
WHERE w.status IN ('paused', 'archived') OR w.workflow NOT GLOB 'broadcast-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'
ORDER BY w.site, w.workflow;

-- name: broadcasts
-- Newest change first, behind a place.
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, NULL
FROM workflows AS w
WHERE w.site = :site AND w.workflow GLOB 'broadcast-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'
    AND (:changed IS NULL OR w.changed < :changed OR w.changed = :changed AND w.workflow > :workflow)
ORDER BY w.changed DESC, w.workflow
LIMIT :limit;

-- name: workflow
SELECT w.site, w.workflow, w.name, w.version, w.status, w.changed, d.saved
FROM workflows AS w
LEFT JOIN workflow_drafts AS d ON d.site = w.site AND d.workflow = w.workflow
WHERE w.site = :site AND w.workflow = :workflow;

-- name: workflow_version
SELECT site, workflow, version, document, source, created FROM workflow_versions
WHERE site = :site AND workflow = :workflow AND version = :version;

-- name: insert_version
INSERT INTO workflow_versions (site, workflow, version, document, source, created)
VALUES (:site, :workflow, :version, :document, :source, :created);

-- name: put_source
-- Comments and layout are no part of what a version says.
UPDATE workflow_versions SET source = :source WHERE site = :site AND workflow = :workflow AND version = :version;

-- name: put_workflow
-- A paused workflow stays paused when it gets a new version.
INSERT INTO workflows (site, workflow, name, version, status, changed) VALUES (:site, :workflow, :name, :version, 'active', :changed)
ON CONFLICT (site, workflow) DO UPDATE
SET name = excluded.name, version = excluded.version, status = iif(status = 'paused', 'paused', 'active'), changed = excluded.changed
RETURNING workflow;

-- name: set_workflow_status
UPDATE workflows SET status = :status, changed = :at WHERE site = :site AND workflow = :workflow AND status = :expected
RETURNING workflow;

-- name: draft
SELECT site, workflow, source, saved FROM workflow_drafts WHERE site = :site AND workflow = :workflow;

-- name: put_draft
INSERT INTO workflow_drafts (site, workflow, source, saved) VALUES (:site, :workflow, :source, :saved)
ON CONFLICT (site, workflow) DO UPDATE SET source = excluded.source, saved = excluded.saved;

-- name: put_unpublished
INSERT INTO workflows (site, workflow, name, version, status, changed) VALUES (:site, :workflow, :name, 0, 'draft', :changed)
ON CONFLICT (site, workflow) DO UPDATE SET name = excluded.name, status = excluded.status, changed = excluded.changed;

-- name: delete_draft
DELETE FROM workflow_drafts WHERE site = :site AND workflow = :workflow
RETURNING workflow;

-- name: delete_published_draft
DELETE FROM workflow_drafts WHERE site = :site AND workflow = :workflow AND source = :source;

-- name: delete_unpublished
DELETE FROM workflows WHERE site = :site AND workflow = :workflow AND version = 0;

-- name: run_counts
SELECT CAST(json_group_array(json_object('version', version, 'step', step, 'count', count)) AS BLOB)
FROM (
    SELECT version, coalesce(step, '') AS step, count(*) AS count FROM runs
    WHERE partition = 0 AND site = :site AND workflow = :workflow AND status = 'waiting'
    GROUP BY version, coalesce(step, '')
    ORDER BY version, coalesce(step, '')
);

-- name: sweep_counts
SELECT id, count(*) AS partitions, sum(done) AS done
FROM sweeps
WHERE partition = 0 AND site = :site AND id IN (SELECT value FROM json_each(:ids))
GROUP BY id
ORDER BY id;
