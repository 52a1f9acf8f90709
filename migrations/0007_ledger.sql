CREATE TABLE "llm_feedback" (
	"organisation_id" uuid NOT NULL,
	"decision_id" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"decided_at" timestamp with time zone NOT NULL,
	"success" boolean,
	"score" double precision,
	"latency_ms" double precision,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"bucket" text,
	"cluster" integer,
	"artifact_version" text,
	"is_canary" boolean NOT NULL,
	CONSTRAINT "llm_feedback_organisation_id_decision_id_pk" PRIMARY KEY("organisation_id","decision_id")
);
--> statement-breakpoint
CREATE TABLE "llm_hours" (
	"organisation_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"key_id" uuid,
	"kind" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"bucket" text NOT NULL,
	"artifact_version" text NOT NULL,
	"requests" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"cancelled" bigint NOT NULL,
	"fallbacks" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"strong_cost_nano_usd" bigint NOT NULL,
	"latency_sketch" "bytea" NOT NULL,
	"ttft_sketch" "bytea" NOT NULL,
	CONSTRAINT "llm_hours_key" UNIQUE NULLS NOT DISTINCT("organisation_id","hour","key_id","kind","provider","model","bucket","artifact_version")
) PARTITION BY RANGE ("hour");
--> statement-breakpoint
CREATE TABLE "llm_requests" (
	"organisation_id" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"id" uuid NOT NULL,
	"key_id" uuid,
	"kind" text NOT NULL,
	"outcome" text NOT NULL,
	"fault" text,
	"requested_model" text,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"bucket" text,
	"cluster" integer,
	"artifact_version" text,
	"is_canary" boolean NOT NULL,
	"attempts" integer NOT NULL,
	"is_stream" boolean NOT NULL,
	"cache" text NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"usage_source" text NOT NULL,
	"cost_nano_usd" bigint NOT NULL,
	"strong_cost_nano_usd" bigint NOT NULL,
	"latency_ms" double precision NOT NULL,
	"time_to_first_token_ms" double precision,
	"features" real[],
	CONSTRAINT "llm_requests_organisation_id_at_id_pk" PRIMARY KEY("organisation_id","at","id")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "router_outcomes" (
	"organisation_id" uuid NOT NULL,
	"candidate" text NOT NULL,
	"cluster" integer NOT NULL,
	"trials" bigint NOT NULL,
	"success_sum" double precision NOT NULL,
	"latency_count" bigint NOT NULL,
	"latency_mean_ms" double precision NOT NULL,
	"latency_m2" double precision NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "router_outcomes_organisation_id_candidate_cluster_pk" PRIMARY KEY("organisation_id","candidate","cluster")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "budget_nano_usd" bigint;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "budget_period" text DEFAULT 'month' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "requests_per_minute" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "tokens_per_minute" bigint;--> statement-breakpoint
ALTER TABLE "llm_feedback" ADD CONSTRAINT "llm_feedback_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "router_outcomes" ADD CONSTRAINT "router_outcomes_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "llm_feedback_at" ON "llm_feedback" USING btree ("at");--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_budget_period" CHECK ("api_keys"."budget_period" IN ('day', 'month', 'total'));--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_limits" CHECK ("api_keys"."budget_nano_usd" >= 0 AND "api_keys"."requests_per_minute" > 0 AND "api_keys"."tokens_per_minute" > 0);
--> statement-breakpoint
-- Sketches are short and written often: compressing them would cost more than it saves.
ALTER TABLE llm_hours ALTER COLUMN latency_sketch SET STORAGE EXTERNAL, ALTER COLUMN ttft_sketch SET STORAGE EXTERNAL;
--> statement-breakpoint
-- One row a candidate and cluster that is rewritten for ever: free space keeps the updates in place (HOT).
ALTER TABLE router_outcomes SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
-- Makes a partition of `parent` for every UTC day from back_days ago to ahead_days ahead, and drops the days before
-- retention_days ago. Runs one at a time; running it again changes nothing. Errors as maintain_partitions.
CREATE FUNCTION maintain_days(parent regclass, retention_days integer, back_days integer, ahead_days integer)
RETURNS TABLE (made integer, dropped integer)
LANGUAGE plpgsql
SET lock_timeout = '5s'
SET timezone = 'UTC'
SET client_min_messages = 'warning'
AS $$
DECLARE
  day date;
  partition_name text;
BEGIN
  IF retention_days IS NULL OR retention_days NOT BETWEEN 1 AND 36600 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'retention_days must be 1 to 36600';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('gjallar.maintain_partitions', 0));
  made := 0;
  dropped := 0;
  FOR day IN SELECT generate_series(
    current_date - least(back_days, retention_days), current_date + ahead_days, interval '1 day')::date
  LOOP
    partition_name := parent::text || '_' || to_char(day, 'YYYYMMDD');
    IF to_regclass(partition_name) IS NULL THEN
      -- Attaching locks out no reader or writer; CREATE TABLE … PARTITION OF would.
      EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING STORAGE)', partition_name, parent);
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, partition_name, day::timestamptz, (day + 1)::timestamptz);
      made := made + 1;
    END IF;
  END LOOP;
  FOR partition_name IN
    SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = parent AND child.relname ~ ('^' || parent::text || '_[0-9]{8}$')
      AND to_date(right(child.relname, 8), 'YYYYMMDD') < current_date - retention_days
  LOOP
    EXECUTE format('DROP TABLE %I', partition_name);
    dropped := dropped + 1;
  END LOOP;
  RETURN NEXT;
END
$$;
--> statement-breakpoint
DROP FUNCTION maintain_tiers(integer, integer, integer, integer);
--> statement-breakpoint
-- All tiers of the fleet, and requests to language models with their hours and feedback. Whoever names no
-- request_days drops no requests.
CREATE FUNCTION maintain_tiers(
  minute_days integer, five_minute_days integer, hour_days integer, ahead_days integer,
  request_days integer DEFAULT 36600)
RETURNS TABLE (made integer, dropped integer)
LANGUAGE sql
AS $$
  DELETE FROM llm_feedback WHERE at < now() - make_interval(days => request_days);
  SELECT sum(each.made)::integer, sum(each.dropped)::integer FROM (
    SELECT * FROM maintain_partitions(minute_days, ahead_days)
    UNION ALL SELECT * FROM maintain_months('vm_metrics_5m', five_minute_days, minute_days, ahead_days)
    UNION ALL SELECT * FROM maintain_months('vm_hours', hour_days, minute_days, ahead_days)
    UNION ALL SELECT * FROM maintain_days('llm_requests', request_days, least(30, minute_days), ahead_days)
    UNION ALL SELECT * FROM maintain_months('llm_hours', hour_days, minute_days, ahead_days)
  ) AS each
$$;
