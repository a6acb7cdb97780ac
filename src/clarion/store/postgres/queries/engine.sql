-- What a partition's owner reads and writes. What the functions do stands in functions/engine.sql and commit.sql.

-- name: take
SELECT clarion_take($1, $2, $3, $4, $5);

-- name: facts
SELECT clarion_facts($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: commit
SELECT clarion_commit(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
    $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45
);

-- name: workflow_states
SELECT coalesce(json_agg(json_build_object(
    'site', site, 'workflow', workflow, 'version', version, 'status', status, 'stale_before', stale_before, 'directives', directives::json,
    'heard', heard::json
) ORDER BY site, workflow), '[]')
FROM workflow_states WHERE partition = $1;

-- name: site_states
SELECT coalesce(json_agg(json_build_object('site', site, 'timezone', timezone, 'frequency_cap', frequency_cap::json) ORDER BY site), '[]')
FROM site_states WHERE partition = $1;

-- name: segment_states
SELECT coalesce(json_agg(json_build_object(
    'site', site, 'segment', segment, 'condition', condition::json, 'defined', defined
) ORDER BY site, segment), '[]')
FROM segment_states WHERE partition = $1;

-- name: sweeps
SELECT coalesce(json_agg(json_build_object(
    'site', site, 'id', id, 'at', at, 'entry', entry, 'body', body::json, 'cursor', cursor, 'done', done
) ORDER BY at, site, id), '[]')
FROM sweeps WHERE partition = $1;

-- name: profiles_page
SELECT clarion_profiles_page($1, $2, $3, $4);

-- name: held_workflows
SELECT * FROM clarion_held_workflows($1);

-- name: held_runs
SELECT * FROM clarion_held_runs($1, $2, $3, $4);

-- name: runs_behind
SELECT * FROM clarion_runs_behind($1, $2, $3, $4, $5);
