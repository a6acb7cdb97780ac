-- Sites, keys, segments and secrets: small, read whole; each change makes a new generation.

-- name: generation
SELECT value FROM generation;

-- name: probe
UPDATE generation SET value = value;

-- name: next_generation
UPDATE generation SET value = value + 1;

-- name: sites
SELECT
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles
FROM sites ORDER BY id;

-- name: insert_site
INSERT INTO sites (
    name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles
)
VALUES (
    :name, :app_id, :vapid_public_key, :vapid_private_sealed, :vapid_subject, :webhook_secret_sealed, :created, :timezone, :frequency_cap,
    :vapid, :origins, :dangerous_unsigned_profiles
)
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: update_site
UPDATE sites
SET name = :name, timezone = :timezone, frequency_cap = :frequency_cap, vapid_subject = :vapid_subject, origins = :origins,
    dangerous_unsigned_profiles = :dangerous_unsigned_profiles
WHERE id = :id
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: rotate_vapid
UPDATE sites SET vapid_public_key = :vapid_public_key, vapid_private_sealed = :vapid_private_sealed, vapid = :vapid
WHERE id = :id AND vapid = :earlier
RETURNING
    id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap, vapid,
    origins, dangerous_unsigned_profiles;

-- name: has_site
SELECT EXISTS (SELECT 1 FROM sites WHERE id = :id);

-- name: site_keys
SELECT site, kind, number, public, sealed, changed FROM site_keys ORDER BY site, kind, number;

-- name: put_site_key
INSERT INTO site_keys (site, kind, number, public, sealed, changed) VALUES (:site, :kind, :number, :public, :sealed, :changed)
ON CONFLICT (site, kind, number) DO UPDATE SET public = excluded.public, sealed = excluded.sealed, changed = excluded.changed
RETURNING number;

-- name: delete_site_key
DELETE FROM site_keys WHERE site = :site AND kind = :kind AND number = :number
RETURNING number;

-- name: segments
SELECT site, segment, name, condition, created, changed FROM segments ORDER BY site, segment;

-- name: put_segment
-- When it was made stays as it is.
INSERT INTO segments (site, segment, name, condition, created, changed) VALUES (:site, :segment, :name, :condition, :created, :changed)
ON CONFLICT (site, segment) DO UPDATE SET name = excluded.name, condition = excluded.condition, changed = excluded.changed
RETURNING site, segment, name, condition, created, changed;

-- name: delete_segment
DELETE FROM segments WHERE site = :site AND segment = :segment
RETURNING segment;

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

-- name: secrets
SELECT site, name, sealed, changed FROM secrets ORDER BY site, name;

-- name: put_secret
INSERT INTO secrets (site, name, sealed, changed) VALUES (:site, :name, :sealed, :changed)
ON CONFLICT (site, name) DO UPDATE SET sealed = excluded.sealed, changed = excluded.changed
RETURNING name;

-- name: delete_secret
DELETE FROM secrets WHERE site = :site AND name = :name
RETURNING name;
