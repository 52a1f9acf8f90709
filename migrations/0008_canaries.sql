CREATE TABLE "router_canaries" (
	"organisation_id" uuid PRIMARY KEY NOT NULL,
	"version" text NOT NULL,
	"content" "bytea" NOT NULL,
	"share" double precision NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "router_canaries_size" CHECK (length("router_canaries"."content") <= 2097152),
	CONSTRAINT "router_canaries_share" CHECK ("router_canaries"."share" BETWEEN 0 AND 1)
);
--> statement-breakpoint
ALTER TABLE "router_outcomes" DROP CONSTRAINT "router_outcomes_organisation_id_candidate_cluster_pk";--> statement-breakpoint
ALTER TABLE "router_outcomes" ADD COLUMN "artifact_version" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "router_outcomes" ADD CONSTRAINT "router_outcomes_key" PRIMARY KEY("organisation_id","candidate","artifact_version","cluster");--> statement-breakpoint
ALTER TABLE "router_canaries" ADD CONSTRAINT "router_canaries_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE cascade ON UPDATE no action;