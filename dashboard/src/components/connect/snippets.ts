/** Prometheus: `remote_write`. Prometheus does not read the environment in its file, so the key stands in it. */
export const prometheusConfig = (origin: string, key: string): string => `remote_write:
  - url: ${origin}/api/v1/write
    authorization:
      type: Bearer
      credentials: ${key}
    queue_config:
      max_samples_per_send: 2000`

export const collectorConfig = (origin: string, key: string): string => `receivers:
  hostmetrics:
    collection_interval: 10s
    scrapers:
      cpu:
      memory:
      filesystem:
      disk:
      network:

processors:
  resourcedetection:
    detectors: [system]
  batch:

exporters:
  otlphttp:
    metrics_endpoint: ${origin}/v1/metrics
    headers:
      Authorization: Bearer ${key}

service:
  pipelines:
    metrics:
      receivers: [hostmetrics]
      processors: [resourcedetection, batch]
      exporters: [otlphttp]`

export const telegrafConfig = (origin: string, key: string): string => `[agent]
  interval = "10s"

[[outputs.influxdb_v2]]
  urls = ["${origin}"]
  token = "${key}"
  # The key decides where the samples go; Telegraf wants these two filled in.
  organization = "gjallar"
  bucket = "fleet"

[[inputs.cpu]]
  percpu = false
[[inputs.mem]]
[[inputs.disk]]
  ignore_fs = ["tmpfs", "devtmpfs", "overlay", "squashfs"]
[[inputs.diskio]]
[[inputs.net]]`

/** A file of Grafana's provisioning, for provisioning/datasources/. */
export const grafanaSource = (origin: string, key: string): string => `apiVersion: 1
datasources:
  - name: Gjallar
    type: prometheus
    access: proxy
    url: ${origin}
    jsonData:
      httpMethod: POST
      httpHeaderName1: Authorization
    secureJsonData:
      httpHeaderValue1: Bearer ${key}`

export const curlSamples = (origin: string): string => `curl ${origin}/api/v1/metrics \\
  -H "authorization: Bearer $GJALLAR_KEY" -H 'content-type: application/json' \\
  -d '{"samples":[
    {"vm":"web-1","timestamp":'$(date +%s000)',"cpu_usage":42.5,"memory_usage":61},
    {"name":"queue_length","labels":{"job":"shop","vm":"web-1"},
     "timestamp":'$(date +%s000)',"value":7}
  ]}'`

export const curlVm = (origin: string): string => `curl ${origin}/api/v1/vms \\
  -H "authorization: Bearer $GJALLAR_KEY" -H 'content-type: application/json' \\
  -d '{"name":"web-1","status":"running","cpu_cores":4,"memory_mb":8192,"disk_gb":80}'`
