-- What makes the tables those of a Citus cluster: `clarion migrate --distributed`, once, with what is in them. Small tables are copied to every
-- node. Large ones are spread by `partition`, side by side: all that one statement of a hot path touches is on one node.

SELECT create_reference_table('instance');
SELECT create_reference_table('move');
SELECT create_reference_table('moved_tables');
SELECT create_reference_table('generation');
SELECT create_reference_table('sites');
SELECT create_reference_table('api_keys');
SELECT create_reference_table('workflows');
SELECT create_reference_table('workflow_versions');
SELECT create_reference_table('workflow_drafts');
SELECT create_reference_table('secrets');
SELECT create_reference_table('site_keys');
SELECT create_reference_table('segments');
SELECT create_reference_table('jobs');
SELECT create_reference_table('nodes');
SELECT create_reference_table('upkeep');
SELECT create_reference_table('cleared');

SELECT create_distributed_table('partitions', 'partition', colocate_with => 'none');
SELECT create_distributed_table('inbox', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('ingest_batches', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('log', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('event_ids', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('poisoned', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('profiles', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('subscribers', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('runs', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('entry_memory', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('workflow_states', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('site_states', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('segment_states', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('sweeps', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('explanations', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('deliveries', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('outbox', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('holds', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('counters', 'partition', colocate_with => 'partitions');
SELECT create_distributed_table('snapshots', 'partition', colocate_with => 'partitions');

-- What works on one partition runs where that one is: one round trip, however many statements it has.
SELECT create_distributed_function('clarion_take'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_facts'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_commit'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_erase'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_profiles_page'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_held_workflows'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_held_runs'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_runs_behind'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_claim'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_end'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_postpone'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_report'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_unclaim'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_recover'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_hold'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_release'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_put_release'::regproc, 'p_partition', colocate_with => 'partitions');
SELECT create_distributed_function('clarion_any_held'::regproc, 'p_partition', colocate_with => 'partitions');

-- What those call has to be on every node.
SELECT create_distributed_function('clarion_now'::regproc);
SELECT create_distributed_function('clarion_emit'::regproc);
