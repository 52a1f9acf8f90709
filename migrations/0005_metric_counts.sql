ALTER TABLE "vm_metrics" ADD COLUMN "metric_counts" integer[];--> statement-breakpoint
ALTER TABLE "vm_metrics_5m" ADD COLUMN "metric_counts" integer[];