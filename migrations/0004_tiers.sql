-- Tiers above the minutes: five minutes and hours with all means, by month, so that each is dropped at its own age.
CREATE TABLE "vm_metrics_5m" (
	"vm_id" uuid NOT NULL,
	"timestamp" timestamp with time zone NOT NULL,
	"sample_count" integer NOT NULL,
	"cpu_usage" double precision,
	"memory_usage" double precision,
	"disk_usage" double precision,
	"network_in_bytes" double precision,
	"network_out_bytes" double precision,
	"iops_read" double precision,
	"iops_write" double precision,
	"cpu_min" double precision,
	"cpu_max" double precision,
	"memory_min" double precision,
	"memory_max" double precision,
	CONSTRAINT "vm_metrics_5m_vm_id_timestamp_pk" PRIMARY KEY("vm_id","timestamp")
) PARTITION BY RANGE ("timestamp");
--> statement-breakpoint
ALTER TABLE vm_hours RENAME TO vm_hours_before;
--> statement-breakpoint
CREATE TABLE "vm_hours" (
	"vm_id" uuid NOT NULL,
	"timestamp" timestamp with time zone NOT NULL,
	"sample_count" integer NOT NULL,
	"cpu_count" integer NOT NULL,
	"cpu_sum" double precision NOT NULL,
	"cpu_max" double precision,
	"cpu_sketch" "bytea" NOT NULL,
	"memory_count" integer NOT NULL,
	"memory_sum" double precision NOT NULL,
	"memory_max" double precision,
	"memory_sketch" "bytea" NOT NULL,
	"cpu_usage" double precision,
	"memory_usage" double precision,
	"disk_usage" double precision,
	"network_in_bytes" double precision,
	"network_out_bytes" double precision,
	"iops_read" double precision,
	"iops_write" double precision
) PARTITION BY RANGE ("timestamp");
--> statement-breakpoint
-- Sketches are short and written often: compressing them would cost more than it saves.
ALTER TABLE vm_hours ALTER COLUMN cpu_sketch SET STORAGE EXTERNAL, ALTER COLUMN memory_sketch SET STORAGE EXTERNAL;
--> statement-breakpoint
-- Makes a partition of `parent` for every UTC month from back_days ago to ahead_days ahead, and drops the months that
-- lie wholly before retention_days ago. Runs one at a time; running it again changes nothing. Errors as maintain_partitions.
CREATE FUNCTION maintain_months(parent regclass, retention_days integer, back_days integer, ahead_days integer)
RETURNS TABLE (made integer, dropped integer)
LANGUAGE plpgsql
SET lock_timeout = '5s'
SET timezone = 'UTC'
SET client_min_messages = 'warning'
AS $$
DECLARE
  month date;
  partition_name text;
BEGIN
  IF retention_days IS NULL OR retention_days NOT BETWEEN 1 AND 36600 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'retention_days must be 1 to 36600';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('gjallar.maintain_partitions', 0));
  made := 0;
  dropped := 0;
  FOR month IN SELECT generate_series(
    date_trunc('month', (current_date - least(back_days, retention_days))::timestamp),
    current_date + ahead_days, interval '1 month')::date
  LOOP
    partition_name := parent::text || '_' || to_char(month, 'YYYYMM');
    IF to_regclass(partition_name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING STORAGE) WITH (fillfactor = 80)',
        partition_name, parent);
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
      made := made + 1;
    END IF;
  END LOOP;
  FOR partition_name IN
    SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = parent AND child.relname ~ ('^' || parent::text || '_[0-9]{6}$')
      AND to_date(right(child.relname, 6), 'YYYYMM') + interval '1 month' <= current_date - retention_days
  LOOP
    EXECUTE format('DROP TABLE %I', partition_name);
    dropped := dropped + 1;
  END LOOP;
  RETURN NEXT;
END
$$;
--> statement-breakpoint
-- All three tiers: minutes by day, five minutes and hours by month.
CREATE FUNCTION maintain_tiers(minute_days integer, five_minute_days integer, hour_days integer, ahead_days integer)
RETURNS TABLE (made integer, dropped integer)
LANGUAGE sql
AS $$
  SELECT sum(each.made)::integer, sum(each.dropped)::integer FROM (
    SELECT * FROM maintain_partitions(minute_days, ahead_days)
    UNION ALL SELECT * FROM maintain_months('vm_metrics_5m', five_minute_days, minute_days, ahead_days)
    UNION ALL SELECT * FROM maintain_months('vm_hours', hour_days, minute_days, ahead_days)
  ) AS each
$$;
--> statement-breakpoint
-- Days only: the hours have partitions of their own now.
CREATE OR REPLACE FUNCTION maintain_partitions(retention_days integer, ahead_days integer)
RETURNS TABLE (made integer, dropped integer)
LANGUAGE plpgsql
SET lock_timeout = '5s'
SET timezone = 'UTC'
SET client_min_messages = 'warning'
AS $$
DECLARE
  first_day date;
  day date;
  partition_name text;
BEGIN
  IF retention_days IS NULL OR retention_days NOT BETWEEN 1 AND 3660 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'retention_days must be 1 to 3660';
  END IF;
  IF ahead_days IS NULL OR ahead_days NOT BETWEEN 1 AND 60 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'ahead_days must be 1 to 60';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('gjallar.maintain_partitions', 0));
  first_day := current_date - retention_days;
  made := 0;
  dropped := 0;

  FOR day IN SELECT generate_series(first_day, current_date + ahead_days, interval '1 day')::date LOOP
    partition_name := 'vm_metrics_' || to_char(day, 'YYYYMMDD');
    IF to_regclass(partition_name) IS NULL THEN
      -- Attaching locks out no reader or writer; CREATE TABLE … PARTITION OF would.
      EXECUTE format('CREATE TABLE %I (LIKE vm_metrics INCLUDING DEFAULTS)', partition_name);
      EXECUTE format(
        'ALTER TABLE vm_metrics ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, day::timestamptz, (day + 1)::timestamptz);
      made := made + 1;
    END IF;
  END LOOP;

  FOR partition_name IN
    SELECT child.relname
    FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = 'vm_metrics'::regclass
      AND child.relname ~ '^vm_metrics_[0-9]{8}$'
      AND to_date(right(child.relname, 8), 'YYYYMMDD') < first_day
  LOOP
    EXECUTE format('DROP TABLE %I', partition_name);
    dropped := dropped + 1;
  END LOOP;
  RETURN NEXT;
END
$$;
--> statement-breakpoint
-- What is stored moves: five minutes from the minutes, hours with their means. Months back to the oldest hour there is.
SELECT maintain_months('vm_metrics_5m', 3660, greatest(31, days), 3), maintain_months('vm_hours', 3660, greatest(31, days), 3)
FROM (SELECT coalesce(current_date - min(timestamp)::date, 0) + 1 AS days
  FROM (SELECT timestamp FROM vm_hours_before UNION ALL SELECT timestamp FROM vm_metrics) AS stored) AS oldest;
--> statement-breakpoint
INSERT INTO vm_metrics_5m
SELECT vm_id, date_bin('5 minutes', timestamp, 'epoch'), sum(sample_count),
  sum(cpu_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE cpu_usage IS NOT NULL), 0), sum(memory_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE memory_usage IS NOT NULL), 0), sum(disk_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE disk_usage IS NOT NULL), 0), sum(network_in_bytes * sample_count) / nullif(sum(sample_count) FILTER (WHERE network_in_bytes IS NOT NULL), 0), sum(network_out_bytes * sample_count) / nullif(sum(sample_count) FILTER (WHERE network_out_bytes IS NOT NULL), 0), sum(iops_read * sample_count) / nullif(sum(sample_count) FILTER (WHERE iops_read IS NOT NULL), 0), sum(iops_write * sample_count) / nullif(sum(sample_count) FILTER (WHERE iops_write IS NOT NULL), 0),
  min(cpu_min), max(cpu_max), min(memory_min), max(memory_max)
FROM vm_metrics GROUP BY vm_id, date_bin('5 minutes', timestamp, 'epoch');
--> statement-breakpoint
INSERT INTO vm_hours
SELECT vm_hours_before.*, means.cpu_usage, means.memory_usage, means.disk_usage, means.network_in_bytes, means.network_out_bytes, means.iops_read, means.iops_write
FROM vm_hours_before LEFT JOIN LATERAL (
  SELECT sum(cpu_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE cpu_usage IS NOT NULL), 0) AS cpu_usage, sum(memory_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE memory_usage IS NOT NULL), 0) AS memory_usage, sum(disk_usage * sample_count) / nullif(sum(sample_count) FILTER (WHERE disk_usage IS NOT NULL), 0) AS disk_usage, sum(network_in_bytes * sample_count) / nullif(sum(sample_count) FILTER (WHERE network_in_bytes IS NOT NULL), 0) AS network_in_bytes, sum(network_out_bytes * sample_count) / nullif(sum(sample_count) FILTER (WHERE network_out_bytes IS NOT NULL), 0) AS network_out_bytes, sum(iops_read * sample_count) / nullif(sum(sample_count) FILTER (WHERE iops_read IS NOT NULL), 0) AS iops_read, sum(iops_write * sample_count) / nullif(sum(sample_count) FILTER (WHERE iops_write IS NOT NULL), 0) AS iops_write
  FROM vm_metrics_5m
  WHERE vm_metrics_5m.vm_id = vm_hours_before.vm_id AND vm_metrics_5m.timestamp >= vm_hours_before.timestamp
    AND vm_metrics_5m.timestamp < vm_hours_before.timestamp + interval '1 hour'
) AS means ON true;
--> statement-breakpoint
DROP TABLE vm_hours_before;
--> statement-breakpoint
ALTER TABLE vm_hours ADD CONSTRAINT "vm_hours_vm_id_timestamp_pk" PRIMARY KEY("vm_id","timestamp");
