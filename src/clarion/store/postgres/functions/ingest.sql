-- The way in, for entries of which some have a claim to an event_id.

CREATE OR REPLACE FUNCTION clarion_append(
    p_batch uuid,
    -- The entries.
    p_partitions integer[], p_kinds text[], p_sites integer[], p_ids text[], p_bodies json[], p_received bigint[],
    -- The claims: which entry, from 1 on, ascending; its partition, site, id and time; and what is claimed.
    p_places integer[], p_homes integer[], p_owners integer[], p_entries text[], p_times bigint[],
    p_targets text[], p_event_ids text[], p_contents text[]
) RETURNS text[]
LANGUAGE plpgsql AS $$
-- What became of each entry with a claim, in order; NULL where all of them are stored.
DECLARE
    v_known boolean;
    v_taken text[] := '{}';
    v_more text[];
    v_became text[];
    v_refused integer[] := '{}';
BEGIN
    INSERT INTO ingest_batches (partition, batch) VALUES (p_partitions[1], p_batch) ON CONFLICT (partition, batch) DO NOTHING;
    v_known := NOT FOUND;
    LOOP
        IF NOT v_known THEN
            -- In one order everywhere, so that two batches never wait for each other. The first of equal ones in a batch gets it; one that
            -- another transaction is just taking is waited for.
            WITH taken AS (
                INSERT INTO event_ids (partition, site, target, event_id, content, entry, received)
                SELECT DISTINCT ON (c.partition, c.site, c.target COLLATE "C", c.event_id COLLATE "C")
                    c.partition, c.site, c.target, c.event_id, c.content, c.entry, c.received
                FROM unnest(p_places, p_homes, p_owners, p_entries, p_times, p_targets, p_event_ids, p_contents)
                    AS c(place, partition, site, entry, received, target, event_id, content)
                ORDER BY c.partition, c.site, c.target COLLATE "C", c.event_id COLLATE "C", c.place
                ON CONFLICT (partition, site, target, event_id) DO NOTHING
                RETURNING entry
            )
            SELECT array_agg(entry) INTO v_more FROM taken;
            v_taken := v_taken || v_more;
            IF cardinality(v_taken) = cardinality(p_places) THEN
                v_became := NULL;  -- what an earlier round saw is over
                EXIT;
            END IF;
        END IF;
        -- A statement of its own sees what others have committed by now. Of a batch that is known, what was taken is told by the entry.
        SELECT array_agg(
            CASE
                WHEN e.entry = c.entry AND (v_known OR t.entry IS NOT NULL) THEN 'stored'
                WHEN e.content = c.content THEN 'duplicate'
                WHEN e.content IS NOT NULL THEN 'conflict'
            END
            ORDER BY c.place
        )
        INTO v_became
        FROM unnest(p_places, p_homes, p_owners, p_entries, p_targets, p_event_ids, p_contents)
            AS c(place, partition, site, entry, target, event_id, content)
        LEFT JOIN event_ids AS e
            ON e.partition = c.partition AND e.site = c.site AND e.target = c.target AND e.event_id = c.event_id
        LEFT JOIN unnest(v_taken) AS t(entry) ON t.entry = c.entry;
        -- One that was held a moment ago has been forgotten since: it is to be had.
        EXIT WHEN v_known OR array_position(v_became, NULL) IS NULL;
    END LOOP;
    IF v_known THEN
        RETURN v_became;
    END IF;
    IF v_became IS NOT NULL THEN
        SELECT coalesce(array_agg(c.place), '{}') INTO v_refused
        FROM unnest(p_places, v_became) AS c(place, became) WHERE c.became <> 'stored';
    END IF;
    INSERT INTO inbox (partition, kind, site, id, body, received)
    SELECT e.partition, e.kind, e.site, e.id, e.body, e.received
    FROM unnest(p_partitions, p_kinds, p_sites, p_ids, p_bodies, p_received)
        WITH ORDINALITY AS e(partition, kind, site, id, body, received, place)
    WHERE e.place <> ALL (v_refused)
    ORDER BY e.place;
    RETURN v_became;
END $$;
