-- The dashboard's summary is read from totals that are kept as rows change: a scan of the fleet at each
-- request grows with its VMs. Triggers add the difference that a statement made; nothing locks a total.
CREATE TABLE "fleet_totals" (
	"organisation_id" uuid NOT NULL,
	"status_rank" smallint NOT NULL,
	"health_score" smallint NOT NULL,
	"vms" bigint NOT NULL,
	"cpu_cores" bigint NOT NULL,
	"memory_mb" bigint NOT NULL,
	"disk_gb" bigint NOT NULL,
	"cpu_count" bigint NOT NULL,
	"cpu_nanopercent" bigint NOT NULL,
	"memory_count" bigint NOT NULL,
	"memory_nanopercent" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "fleet_totals_organisation" ON "fleet_totals" USING btree ("organisation_id");
--> statement-breakpoint
ALTER TABLE "fleet_totals" SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
--> statement-breakpoint
ALTER TABLE "vm_latest" ADD COLUMN "organisation_id" uuid, ADD COLUMN "status_rank" smallint, ADD COLUMN "health_score" smallint;
--> statement-breakpoint
UPDATE vm_latest SET organisation_id = vms.organisation_id, health_score = vms.health_score,
  status_rank = CASE WHEN vms.deleted_at IS NULL THEN vms.status_rank END
FROM vms WHERE vms.id = vm_latest.vm_id;
--> statement-breakpoint
ALTER TABLE "vm_latest" ALTER COLUMN "organisation_id" SET NOT NULL, ALTER COLUMN "health_score" SET NOT NULL;
--> statement-breakpoint
-- Adds what the VMs of one statement count for, with `sign` 1, or takes it back, with −1.
CREATE FUNCTION fleet_totals_of_vms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, count(*), sum(cpu_cores), sum(memory_mb), sum(disk_gb), 0, 0, 0, 0
    FROM after_rows WHERE deleted_at IS NULL
    GROUP BY organisation_id, status_rank, health_score;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, -count(*), -sum(cpu_cores), -sum(memory_mb), -sum(disk_gb), 0, 0, 0, 0
    FROM before_rows WHERE deleted_at IS NULL
    GROUP BY organisation_id, status_rank, health_score;
  ELSE
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, sum(sign), sum(sign * cpu_cores), sum(sign * memory_mb), sum(sign * disk_gb), 0, 0, 0, 0
    FROM (
      SELECT 1 AS sign, * FROM after_rows WHERE deleted_at IS NULL
      UNION ALL
      SELECT -1, * FROM before_rows WHERE deleted_at IS NULL
    ) AS changed
    GROUP BY organisation_id, status_rank, health_score
    HAVING sum(sign) <> 0 OR sum(sign * cpu_cores) <> 0 OR sum(sign * memory_mb) <> 0 OR sum(sign * disk_gb) <> 0;
    UPDATE vm_latest SET health_score = after_rows.health_score,
      status_rank = CASE WHEN after_rows.deleted_at IS NULL THEN after_rows.status_rank END
    FROM after_rows JOIN before_rows USING (id)
    WHERE vm_latest.vm_id = id
      AND (after_rows.status_rank, after_rows.health_score, after_rows.deleted_at IS NULL)
        <> (before_rows.status_rank, before_rows.health_score, before_rows.deleted_at IS NULL);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE FUNCTION fleet_totals_of_latest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, 0, 0, 0, 0,
      count(cpu_usage), coalesce(sum(round(cpu_usage * 1e9)::bigint), 0),
      count(memory_usage), coalesce(sum(round(memory_usage * 1e9)::bigint), 0)
    FROM after_rows WHERE status_rank IS NOT NULL
    GROUP BY organisation_id, status_rank, health_score;
    -- A first sample and a change of its VM may not have seen each other: wait for the change, and copy it.
    UPDATE vm_latest SET health_score = locked.health_score,
      status_rank = CASE WHEN locked.deleted_at IS NULL THEN locked.status_rank END
    FROM (
      SELECT id, status_rank, health_score, deleted_at FROM vms
      WHERE id IN (SELECT vm_id FROM after_rows) ORDER BY id FOR SHARE
    ) AS locked
    WHERE vm_latest.vm_id = locked.id
      AND (vm_latest.status_rank, vm_latest.health_score)
        IS DISTINCT FROM (CASE WHEN locked.deleted_at IS NULL THEN locked.status_rank END, locked.health_score);
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, 0, 0, 0, 0,
      -count(cpu_usage), coalesce(-sum(round(cpu_usage * 1e9)::bigint), 0),
      -count(memory_usage), coalesce(-sum(round(memory_usage * 1e9)::bigint), 0)
    FROM before_rows WHERE status_rank IS NOT NULL
    GROUP BY organisation_id, status_rank, health_score;
  ELSE
    INSERT INTO fleet_totals
    SELECT organisation_id, status_rank, health_score, 0, 0, 0, 0,
      coalesce(sum(sign) FILTER (WHERE cpu_usage IS NOT NULL), 0),
      coalesce(sum(sign * round(cpu_usage * 1e9)::bigint), 0),
      coalesce(sum(sign) FILTER (WHERE memory_usage IS NOT NULL), 0),
      coalesce(sum(sign * round(memory_usage * 1e9)::bigint), 0)
    FROM (
      SELECT 1 AS sign, organisation_id, status_rank, health_score, cpu_usage, memory_usage
      FROM after_rows WHERE status_rank IS NOT NULL
      UNION ALL
      SELECT -1, organisation_id, status_rank, health_score, cpu_usage, memory_usage
      FROM before_rows WHERE status_rank IS NOT NULL
    ) AS changed
    GROUP BY organisation_id, status_rank, health_score;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER vms_totals_insert AFTER INSERT ON vms
  REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_vms();
--> statement-breakpoint
CREATE TRIGGER vms_totals_update AFTER UPDATE ON vms
  REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_vms();
--> statement-breakpoint
CREATE TRIGGER vms_totals_delete AFTER DELETE ON vms
  REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_vms();
--> statement-breakpoint
CREATE TRIGGER vm_latest_totals_insert AFTER INSERT ON vm_latest
  REFERENCING NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_latest();
--> statement-breakpoint
CREATE TRIGGER vm_latest_totals_update AFTER UPDATE ON vm_latest
  REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_latest();
--> statement-breakpoint
CREATE TRIGGER vm_latest_totals_delete AFTER DELETE ON vm_latest
  REFERENCING OLD TABLE AS before_rows FOR EACH STATEMENT EXECUTE FUNCTION fleet_totals_of_latest();
--> statement-breakpoint
-- Replaces the rows that nobody else holds by one a group, and groups that came to nothing by none.
CREATE FUNCTION merge_fleet_totals(organisation uuid) RETURNS void LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM fleet_totals WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM fleet_totals WHERE organisation_id = organisation FOR UPDATE SKIP LOCKED))
    RETURNING *
  )
  INSERT INTO fleet_totals
  SELECT organisation_id, status_rank, health_score, sum(vms), sum(cpu_cores), sum(memory_mb), sum(disk_gb),
    sum(cpu_count), sum(cpu_nanopercent), sum(memory_count), sum(memory_nanopercent)
  FROM gone GROUP BY organisation_id, status_rank, health_score
  HAVING sum(vms) <> 0 OR sum(cpu_cores) <> 0 OR sum(memory_mb) <> 0 OR sum(disk_gb) <> 0
    OR sum(cpu_count) <> 0 OR sum(cpu_nanopercent) <> 0 OR sum(memory_count) <> 0 OR sum(memory_nanopercent) <> 0
$$;
--> statement-breakpoint
-- What fleet_totals must sum up to, counted anew from the VMs.
CREATE VIEW fleet_totals_counted AS
SELECT vms.organisation_id, vms.status_rank, vms.health_score, count(*) AS vms, sum(vms.cpu_cores) AS cpu_cores,
  sum(vms.memory_mb) AS memory_mb, sum(vms.disk_gb) AS disk_gb,
  count(cpu_usage) AS cpu_count, coalesce(sum(round(cpu_usage * 1e9)::bigint), 0) AS cpu_nanopercent,
  count(memory_usage) AS memory_count, coalesce(sum(round(memory_usage * 1e9)::bigint), 0) AS memory_nanopercent
FROM vms LEFT JOIN vm_latest ON vm_latest.vm_id = vms.id
WHERE vms.deleted_at IS NULL
GROUP BY vms.organisation_id, vms.status_rank, vms.health_score;
--> statement-breakpoint
INSERT INTO fleet_totals SELECT * FROM fleet_totals_counted;
