-- Metrics arrive nearly in order of time, so a BRIN over each day replaces a btree 300 times its size.
CREATE INDEX vm_metrics_timestamp ON vm_metrics USING brin ("timestamp") WITH (pages_per_range = 32);
--> statement-breakpoint
-- One row per VM that is rewritten for ever: free space in each page keeps the updates in place (HOT).
ALTER TABLE vm_latest SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE vm_window SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE vm_hours SET (fillfactor = 80);
--> statement-breakpoint
-- Sketches are short and written often: compressing them would cost more than it saves.
ALTER TABLE vm_hours ALTER COLUMN cpu_sketch SET STORAGE EXTERNAL, ALTER COLUMN memory_sketch SET STORAGE EXTERNAL;
--> statement-breakpoint
-- Makes one partition of vm_metrics for every UTC day from retention_days back to ahead_days ahead, and
-- drops what lies wholly before that, with the vm_hours of the same age. Runs one at a time; running it
-- again changes nothing. Raises invalid_parameter_value (22023) when an argument is out of range, and
-- lock_not_available (55P03) when writers hold the table for longer than 5 s: run it again then.
CREATE FUNCTION maintain_partitions(retention_days integer, ahead_days integer)
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

  DELETE FROM vm_hours WHERE "timestamp" < first_day::timestamptz;
  RETURN NEXT;
END
$$;
