-- Dashboard rows are put together from texts that are ready when a row is written: turning 31 fields of
-- 1,000 VMs into JSON at every request takes longer than reading them.

-- The members of a dashboard row that stand in vms, as JSON without braces. to_json and to_char are marked
-- STABLE for types and locales that are not used here, so this is IMMUTABLE in truth.
CREATE FUNCTION vm_row_json(id uuid, name text, status text, cpu_cores integer, memory_mb bigint, disk_gb bigint,
  region text, instance_type text, created_at timestamptz, health_score smallint)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '"id":"' || id || '","name":' || to_json(name) || ',"status":"' || status
  || '","cpu_cores":' || cpu_cores || ',"memory_mb":' || memory_mb || ',"disk_gb":' || disk_gb
  || ',"region":' || to_json(region) || ',"instance_type":' || to_json(instance_type)
  || ',"created_at":"' || to_char(
    -- Rounded to milliseconds as everywhere else; the format alone would cut them off.
    to_timestamp(round(date_part('epoch', created_at) * 1000) / 1000) AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  || '","health_score":' || health_score;
--> statement-breakpoint
ALTER TABLE "vms" ADD COLUMN "row_json" text GENERATED ALWAYS AS (vm_row_json(id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type, created_at, health_score)) STORED NOT NULL;
--> statement-breakpoint
ALTER TABLE "vm_window" ADD COLUMN "row_values" text;
--> statement-breakpoint
-- For VMs that are silent now; the next flush of the others writes theirs. As src/fleet/dashboard-row.ts has it.
WITH texts AS (
  SELECT vm_window.vm_id, json_build_array(
    round(date_part('epoch', vm_latest.timestamp) * 1000),
    cpu_usage, memory_usage, disk_usage, network_in_bytes, network_out_bytes, iops_read, iops_write,
    cpu_avg, cpu_max, cpu_p95, memory_avg, memory_max, memory_p95, sample_count,
    CASE WHEN cpu_usage IS NULL THEN 'unknown' WHEN cpu_usage > 90 THEN 'critical'
      WHEN cpu_usage > 75 THEN 'warning' WHEN cpu_usage < 10 THEN 'underutilized' ELSE 'normal' END,
    CASE WHEN memory_usage IS NULL THEN 'unknown' WHEN memory_usage > 90 THEN 'critical'
      WHEN memory_usage > 80 THEN 'warning' WHEN memory_usage < 20 THEN 'underutilized' ELSE 'normal' END,
    CASE WHEN disk_usage IS NULL THEN 'unknown' WHEN disk_usage > 95 THEN 'critical'
      WHEN disk_usage > 85 THEN 'warning' ELSE 'normal' END,
    cpu_avg / 100, memory_avg / 100)::text AS json
  FROM vm_window LEFT JOIN vm_latest ON vm_latest.vm_id = vm_window.vm_id
)
UPDATE vm_window SET row_values = replace(substr(texts.json, 2, length(texts.json) - 2), ' ', '')
FROM texts WHERE texts.vm_id = vm_window.vm_id;
--> statement-breakpoint
ALTER TABLE "vm_window" ALTER COLUMN "row_values" SET NOT NULL;
