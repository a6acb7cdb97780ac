-- Sites, keys, segments and secrets: small, read whole; each change makes a new generation.

-- name: generation
SELECT value FROM generation;

-- name: lock
-- Whoever changes the configuration waits here for whoever else does.
SELECT value FROM generation FOR UPDATE;

-- name: probe
UPDATE generation SET value = value;

-- name: next_generation
UPDATE generation SET value = value + 1
RETURNING value;

-- name: sites
SELECT
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles
FROM sites ORDER BY id;

-- name: insert_site
INSERT INTO sites (
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles
)
SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM sites
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: update_site
UPDATE sites
SET name = $2, timezone = $3, frequency_cap = $4, vapid_subject = $5, origins = $6, dangerous_unsigned_profiles = $7
WHERE id = $1
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: rotate_vapid
-- Whoever changes the configuration has locked it: what was found before still is.
UPDATE sites SET vapid_public_key = $2, vapid_private_sealed = $3, vapid = $4 WHERE id = $1
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: vapid_number
SELECT vapid FROM sites WHERE id = $1;

-- name: site_keys
SELECT site, kind, number, public, sealed, changed FROM site_keys ORDER BY site, kind, number;

-- name: put_site_key
INSERT INTO site_keys (site, kind, number, public, sealed, changed) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (site, kind, number) DO UPDATE SET public = excluded.public, sealed = excluded.sealed, changed = excluded.changed
RETURNING number;

-- name: delete_site_key
DELETE FROM site_keys WHERE site = $1 AND kind = $2 AND number = $3
RETURNING number;

-- name: segments
SELECT site, segment, name, condition, created, changed FROM segments ORDER BY site, segment;

-- name: put_segment
-- When it was made stays as it is.
INSERT INTO segments (site, segment, name, condition, created, changed) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (site, segment) DO UPDATE SET name = excluded.name, condition = excluded.condition, changed = excluded.changed
RETURNING site, segment, name, condition, created, changed;

-- name: delete_segment
DELETE FROM segments WHERE site = $1 AND segment = $2
RETURNING segment;

-- name: keys
SELECT id, site, name, hash, prefix, scopes, created, last_used, revoked FROM api_keys ORDER BY id;

-- name: insert_key
INSERT INTO api_keys (id, site, name, hash, prefix, scopes, created, last_used, revoked)
SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM api_keys
RETURNING id, site, name, hash, prefix, scopes, created, last_used, revoked;

-- name: revoke_key
UPDATE api_keys SET revoked = coalesce(revoked, $3) WHERE site = $1 AND id = $2
RETURNING id, site, name, hash, prefix, scopes, created, last_used, revoked;

-- name: touch_keys
-- Each id once, in order, so that two processes do not wait for each other.
UPDATE api_keys SET last_used = u.at
FROM (
    SELECT k.id, u.at
    FROM unnest($1::integer[], $2::bigint[]) AS u(id, at)
    JOIN api_keys AS k ON k.id = u.id
    WHERE k.last_used IS NULL OR k.last_used < u.at
    ORDER BY k.id
    FOR UPDATE OF k
) AS u
WHERE api_keys.id = u.id;

-- name: secrets
SELECT site, name, sealed, changed FROM secrets ORDER BY site, name;

-- name: put_secret
INSERT INTO secrets (site, name, sealed, changed) VALUES ($1, $2, $3, $4)
ON CONFLICT (site, name) DO UPDATE SET sealed = excluded.sealed, changed = excluded.changed
RETURNING name;

-- name: delete_secret
DELETE FROM secrets WHERE site = $1 AND name = $2
RETURNING name;
