CREATE TABLE "router_artifacts" (
	"organisation_id" uuid PRIMARY KEY NOT NULL,
	"version" text NOT NULL,
	"content" "bytea" NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "router_artifacts_size" CHECK (length("router_artifacts"."content") <= 2097152)
);
--> statement-breakpoint
CREATE TABLE "router_configs" (
	"organisation_id" uuid PRIMARY KEY NOT NULL,
	"config" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "router_artifacts" ADD CONSTRAINT "router_artifacts_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "router_configs" ADD CONSTRAINT "router_configs_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;