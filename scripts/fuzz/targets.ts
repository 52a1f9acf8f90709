import { chunk } from './chunk.ts'
import { influx, ndjson } from './lines.ts'
import { otlpJson, otlpProtobuf } from './otlp.ts'
import { remoteWrite1, remoteWrite2 } from './remote-write.ts'
import { snappy } from './snappy.ts'
import type { FuzzTarget } from './target.ts'

/** Every decoder that reads what strangers send, and what may lie damaged on a disk. */
export const TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  snappy,
  'remote-write': remoteWrite1,
  'remote-write-2': remoteWrite2,
  'otlp-protobuf': otlpProtobuf,
  'otlp-json': otlpJson,
  influx,
  ndjson,
  chunk,
}
