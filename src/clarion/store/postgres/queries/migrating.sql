-- Making the tables, and knowing whose they are.

-- name: lock
SELECT pg_advisory_xact_lock($1);

-- name: encoding
SELECT current_setting('server_encoding');

-- name: has_instance
SELECT to_regclass('instance') IS NOT NULL;

-- name: has_tables
SELECT EXISTS (
    SELECT FROM pg_class AS c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
);

-- name: instance
SELECT schema, partitions FROM instance;

-- name: is_moving
SELECT EXISTS (SELECT FROM move WHERE ended IS NULL);

-- name: has_cluster
SELECT to_regclass('pg_dist_partition') IS NOT NULL;

-- name: is_spread
SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'inbox'::regclass);

-- name: spread_tables
SELECT c.relname FROM pg_dist_partition AS p JOIN pg_class AS c ON c.oid = p.logicalrelid;

-- name: in_sequence
SET LOCAL citus.multi_shard_modify_mode TO 'sequential';

-- name: put_instance
INSERT INTO instance (one, schema, partitions) VALUES (1, $1, $2);

-- name: ensure_periods
SELECT clarion_ensure_periods($1, $2);

-- name: put_version
UPDATE instance SET schema = $1;

-- name: put_partitions
INSERT INTO partitions (partition, epoch, sequence, log_time, resumed)
SELECT number, 0, 0, 0, 0 FROM generate_series(0, $1 - 1) AS number;
