CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organisation_id" uuid NOT NULL,
	"name" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"prefix" text NOT NULL,
	"scopes" text[] NOT NULL,
	"platform_admin" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_hash" UNIQUE("hash"),
	CONSTRAINT "api_keys_scopes" CHECK ("api_keys"."scopes" <@ ARRAY['read', 'write', 'admin']),
	CONSTRAINT "api_keys_hash_length" CHECK (length("api_keys"."hash") = 32)
);
--> statement-breakpoint
CREATE TABLE "organisations" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organisations_slug" UNIQUE("slug")
);
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
	CONSTRAINT "vm_hours_vm_id_timestamp_pk" PRIMARY KEY("vm_id","timestamp")
);
--> statement-breakpoint
CREATE TABLE "vm_latest" (
	"vm_id" uuid PRIMARY KEY NOT NULL,
	"timestamp" timestamp with time zone NOT NULL,
	"cpu_usage" double precision,
	"memory_usage" double precision,
	"disk_usage" double precision,
	"network_in_bytes" double precision,
	"network_out_bytes" double precision,
	"iops_read" double precision,
	"iops_write" double precision
);
--> statement-breakpoint
CREATE TABLE "vm_metrics" (
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
	CONSTRAINT "vm_metrics_vm_id_timestamp_pk" PRIMARY KEY("vm_id","timestamp")
) PARTITION BY RANGE ("timestamp");
--> statement-breakpoint
CREATE TABLE "vm_window" (
	"vm_id" uuid PRIMARY KEY NOT NULL,
	"cpu_avg" double precision,
	"cpu_max" double precision,
	"cpu_p95" double precision,
	"memory_avg" double precision,
	"memory_max" double precision,
	"memory_p95" double precision,
	"sample_count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "vms" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organisation_id" uuid NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"status" text NOT NULL,
	"status_rank" smallint GENERATED ALWAYS AS (CASE status WHEN 'running' THEN 0 WHEN 'starting' THEN 1 WHEN 'stopping' THEN 2 ELSE 3 END) STORED NOT NULL,
	"cpu_cores" integer NOT NULL,
	"memory_mb" bigint NOT NULL,
	"disk_gb" bigint NOT NULL,
	"region" text NOT NULL,
	"instance_type" text NOT NULL,
	"health_score" smallint DEFAULT 100 NOT NULL,
	"status_changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "vms_status" CHECK ("vms"."status" IN ('running', 'starting', 'stopping', 'stopped')),
	CONSTRAINT "vms_health_score" CHECK ("vms"."health_score" BETWEEN 0 AND 100),
	CONSTRAINT "vms_capacity" CHECK ("vms"."cpu_cores" > 0 AND "vms"."memory_mb" > 0 AND "vms"."disk_gb" >= 0)
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vm_hours" ADD CONSTRAINT "vm_hours_vm_id_vms_id_fk" FOREIGN KEY ("vm_id") REFERENCES "public"."vms"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vm_latest" ADD CONSTRAINT "vm_latest_vm_id_vms_id_fk" FOREIGN KEY ("vm_id") REFERENCES "public"."vms"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vm_window" ADD CONSTRAINT "vm_window_vm_id_vms_id_fk" FOREIGN KEY ("vm_id") REFERENCES "public"."vms"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vms" ADD CONSTRAINT "vms_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_organisation" ON "api_keys" USING btree ("organisation_id");--> statement-breakpoint
CREATE INDEX "vm_hours_timestamp" ON "vm_hours" USING brin ("timestamp");--> statement-breakpoint
CREATE UNIQUE INDEX "vms_organisation_name" ON "vms" USING btree ("organisation_id","name") WHERE deleted_at IS NULL;--> statement-breakpoint
CREATE INDEX "vms_dashboard_order" ON "vms" USING btree ("organisation_id","status_rank","health_score","name") WHERE deleted_at IS NULL;