-- Sites, keys and workflows: small, read whole; each change makes a new generation.

-- name: generation
SELECT value FROM generation;

-- name: probe
UPDATE generation SET value = value;

-- name: next_generation
UPDATE generation SET value = value + 1;

-- name: sites
SELECT id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone
FROM sites ORDER BY id;

-- name: insert_site
INSERT INTO sites (name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone)
VALUES (:name, :app_id, :vapid_public_key, :vapid_private_sealed, :vapid_subject, :webhook_secret_sealed, :created, :timezone)
RETURNING id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone;

-- name: keys
SELECT id, site, name, hash, prefix, scopes, created, last_used, revoked FROM api_keys ORDER BY id;

-- name: insert_key
INSERT INTO api_keys (site, name, hash, prefix, scopes, created, last_used, revoked)
VALUES (:site, :name, :hash, :prefix, :scopes, :created, :last_used, :revoked)
RETURNING id, site, name, hash, prefix, scopes, created, last_used, revoked;

-- name: revoke_key
UPDATE api_keys SET revoked = coalesce(revoked, :at) WHERE id = :key AND site = :site
RETURNING id, site, name, hash, prefix, scopes, created, last_used, revoked;

-- name: touch_keys
-- :used is [[id, time], …], each id once.
UPDATE api_keys SET last_used = u.value ->> 1
FROM jsonb_each(:used) AS u
WHERE api_keys.id = u.value ->> 0 AND coalesce(api_keys.last_used < u.value ->> 1, 1);

-- name: workflows
SELECT site, workflow, name, version, status, changed FROM workflows ORDER BY site, workflow;

-- name: workflow
SELECT site, workflow, name, version, status, changed FROM workflows WHERE site = :site AND workflow = :workflow;

-- name: workflow_version
SELECT site, workflow, version, document, source, created FROM workflow_versions
WHERE site = :site AND workflow = :workflow AND version = :version;

-- name: insert_version
INSERT INTO workflow_versions (site, workflow, version, document, source, created)
VALUES (:site, :workflow, :version, :document, :source, :created);

-- name: put_workflow
-- A paused workflow stays paused when it gets a new version.
INSERT INTO workflows (site, workflow, name, version, status, changed) VALUES (:site, :workflow, :name, :version, 'active', :changed)
ON CONFLICT (site, workflow) DO UPDATE
SET name = excluded.name, version = excluded.version, status = iif(status = 'paused', 'paused', 'active'), changed = excluded.changed
RETURNING site, workflow, name, version, status, changed;

-- name: set_workflow_status
UPDATE workflows SET status = :status, changed = :at WHERE site = :site AND workflow = :workflow
RETURNING site, workflow, name, version, status, changed;
