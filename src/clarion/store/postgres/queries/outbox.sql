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

-- name: put_release
SELECT clarion_put_release($1, $2, $3, $4, $5);

-- name: releases
SELECT site, workflow, cutoff, at FROM holds WHERE partition = $1 AND released ORDER BY site, workflow FOR UPDATE;

-- name: release
SELECT * FROM clarion_release($1, $2, $3, $4, $5, $6);

-- name: any_held
SELECT clarion_any_held($1, $2, $3);

-- name: end_release
DELETE FROM holds WHERE partition = $1 AND site = $2 AND workflow = $3;

-- name: hold
SELECT clarion_hold($1, $2, $3);

-- name: due
SELECT * FROM clarion_due();

-- name: claimants
SELECT * FROM clarion_claimants();
