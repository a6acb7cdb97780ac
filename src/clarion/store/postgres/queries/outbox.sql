-- Deliveries and their way out. What the functions do stands in functions/outbox.sql.

-- name: claim
SELECT clarion_claim($1, $2, $3, $4);

-- name: end
SELECT clarion_end($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: report
SELECT clarion_report($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: unclaim
SELECT clarion_unclaim($1, $2, $3);

-- name: recover
SELECT clarion_recover($1, $2, $3);

-- name: stale
SELECT * FROM clarion_stale($1, $2, $3, $4, $5, $6);

-- name: release
SELECT clarion_release($1, $2, $3);

-- name: hold
SELECT clarion_hold($1, $2, $3);

-- name: due
SELECT * FROM clarion_due();

-- name: claimants
SELECT * FROM clarion_claimants();
