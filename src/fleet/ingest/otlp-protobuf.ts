import {
  type Attribute,
  attributeText,
  malformed,
  type OtlpExemplar,
  type OtlpKind,
  type OtlpMetric,
  type OtlpValue,
  type OtlpVisitor,
  tooLarge,
  VALUE_DEPTH_MAX,
} from './otlp-model.ts'
import { ProtobufReader } from './protobuf-reader.ts'

/** Messages of all kinds in one request: a data point with five attributes has eleven. */
const MESSAGES_MAX = 8_000_000

// Tags are field number · 8 + wire type: 0 varint, 1 eight bytes, 2 with a length.
const KINDS: ReadonlyMap<number, OtlpKind> = new Map([
  [0x2a, 'gauge'],
  [0x3a, 'sum'],
  [0x4a, 'histogram'],
  [0x52, 'exponentialHistogram'],
  [0x5a, 'summary'],
])

const toHex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/**
 * Reads an ExportMetricsServiceRequest. What stands outside must be known before what stands inside, and
 * fields may come in any order: so each message is read twice, first for its own fields, then for what
 * repeats in it.
 */
export class OtlpProtobuf {
  readonly #r: ProtobufReader
  readonly #visitor: OtlpVisitor

  constructor(bytes: Uint8Array, visitor: OtlpVisitor) {
    this.#r = new ProtobufReader(bytes, MESSAGES_MAX)
    this.#visitor = visitor
  }

  read(): void {
    this.#eachMessage(this.#r.length, 0x0a, (end) => this.#resourceMetrics(end))
  }

  #eachMessage(end: number, wanted: number, read: (end: number) => void): void {
    this.#r.eachField(end, (tag) => {
      if (tag === wanted) this.#r.message(end, read)
    })
  }

  #resourceMetrics(end: number): void {
    const r = this.#r
    const start = r.pos
    const attributes: Attribute[] = []
    this.#eachMessage(end, 0x0a, (inner) =>
      this.#eachMessage(inner, 0x0a, (pair) => attributes.push(this.#attribute(pair))),
    )
    this.#visitor.resource({ attributes })
    r.seek(start)
    this.#eachMessage(end, 0x12, (inner) => this.#scopeMetrics(inner))
  }

  #scopeMetrics(end: number): void {
    const r = this.#r
    const start = r.pos
    const scope = { name: '', version: '', schemaUrl: '', attributes: [] as Attribute[] }
    r.eachField(end, (tag) => {
      if (tag === 0x1a) scope.schemaUrl = r.text(end)
      else if (tag === 0x0a)
        r.message(end, (inner) =>
          r.eachField(inner, (scopeTag) => {
            if (scopeTag === 0x0a) scope.name = r.text(inner)
            else if (scopeTag === 0x12) scope.version = r.text(inner)
            else if (scopeTag === 0x1a)
              r.message(inner, (pair) => scope.attributes.push(this.#attribute(pair)))
          }),
        )
    })
    this.#visitor.scope(scope)
    r.seek(start)
    this.#eachMessage(end, 0x12, (inner) => this.#metric(inner))
  }

  #metric(end: number): void {
    const r = this.#r
    const start = r.pos
    const told = { name: '', description: '', unit: '' }
    // Of a oneof the last one counts.
    let last = 0
    r.eachField(end, (tag) => {
      if (tag === 0x0a) told.name = r.text(end)
      else if (tag === 0x12) told.description = r.text(end)
      else if (tag === 0x1a) told.unit = r.text(end)
      else if (KINDS.has(tag)) last = tag
    })
    const kind = KINDS.get(last)
    if (kind === undefined) return
    r.seek(start)
    this.#eachMessage(end, last, (inner) => this.#data(inner, told, kind))
  }

  #data(end: number, told: Pick<OtlpMetric, 'name' | 'description' | 'unit'>, kind: OtlpKind) {
    const r = this.#r
    const start = r.pos
    let temporality = 0
    let isMonotonic = false
    r.eachField(end, (tag) => {
      if (tag === 0x10) temporality = r.readVarint(true)
      else if (tag === 0x18) isMonotonic = r.readBoolean()
    })
    this.#visitor.metric({ ...told, kind, temporality, isMonotonic })
    r.seek(start)
    this.#eachMessage(end, 0x0a, (inner) => {
      if (!this.#point(inner, kind)) throw tooLarge()
    })
  }

  #point(end: number, kind: OtlpKind): boolean {
    switch (kind) {
      case 'gauge':
      case 'sum':
        return this.#number(end)
      case 'histogram':
        return this.#histogram(end)
      case 'exponentialHistogram':
        return this.#exponentialHistogram(end)
      case 'summary':
        return this.#summary(end)
    }
  }

  #number(end: number): boolean {
    const r = this.#r
    const attributes: Attribute[] = []
    const exemplars: OtlpExemplar[] = []
    let timestamp = 0
    let flags = 0
    let value: number | null = null
    r.eachField(end, (tag) => {
      if (tag === 0x3a) r.message(end, (pair) => attributes.push(this.#attribute(pair)))
      else if (tag === 0x19) timestamp = r.milliseconds()
      else if (tag === 0x21) value = r.readDouble()
      else if (tag === 0x31) value = r.signed64()
      else if (tag === 0x2a) r.message(end, (inner) => exemplars.push(this.#exemplar(inner)))
      else if (tag === 0x40) flags = r.readVarint()
    })
    return this.#visitor.number({ attributes, timestamp, flags, value, exemplars })
  }

  #histogram(end: number): boolean {
    const r = this.#r
    const attributes: Attribute[] = []
    const exemplars: OtlpExemplar[] = []
    const bucketCounts: number[] = []
    const explicitBounds: number[] = []
    const point = { timestamp: 0, flags: 0, count: 0, sum: null as number | null }
    r.eachField(end, (tag) => {
      if (tag === 0x4a) r.message(end, (pair) => attributes.push(this.#attribute(pair)))
      else if (tag === 0x19) point.timestamp = r.milliseconds()
      else if (tag === 0x21) point.count = r.readFixed64()
      else if (tag === 0x29) point.sum = r.readDouble()
      else if (tag === 0x31 || tag === 0x32) r.numbers(end, bucketCounts, () => r.readFixed64())
      else if (tag === 0x39 || tag === 0x3a) r.numbers(end, explicitBounds, () => r.readDouble())
      else if (tag === 0x42) r.message(end, (inner) => exemplars.push(this.#exemplar(inner)))
      else if (tag === 0x50) point.flags = r.readVarint()
    })
    return this.#visitor.histogram({
      ...point,
      attributes,
      bucketCounts,
      explicitBounds,
      exemplars,
    })
  }

  #exponentialHistogram(end: number): boolean {
    const r = this.#r
    const attributes: Attribute[] = []
    const exemplars: OtlpExemplar[] = []
    const positive = { offset: 0, bucketCounts: [] as number[] }
    const negative = { offset: 0, bucketCounts: [] as number[] }
    const point = {
      timestamp: 0,
      flags: 0,
      count: 0,
      sum: null as number | null,
      scale: 0,
      zeroCount: 0,
      zeroThreshold: 0,
    }
    const readBuckets = (into: { offset: number; bucketCounts: number[] }) => (inner: number) =>
      r.eachField(inner, (tag) => {
        if (tag === 0x08) into.offset = r.readSVarint()
        else if (tag === 0x10 || tag === 0x12)
          r.numbers(inner, into.bucketCounts, () => r.readVarint())
      })
    r.eachField(end, (tag) => {
      if (tag === 0x0a) r.message(end, (pair) => attributes.push(this.#attribute(pair)))
      else if (tag === 0x19) point.timestamp = r.milliseconds()
      else if (tag === 0x21) point.count = r.readFixed64()
      else if (tag === 0x29) point.sum = r.readDouble()
      else if (tag === 0x30) point.scale = r.readSVarint()
      else if (tag === 0x39) point.zeroCount = r.readFixed64()
      else if (tag === 0x42) r.message(end, readBuckets(positive))
      else if (tag === 0x4a) r.message(end, readBuckets(negative))
      else if (tag === 0x50) point.flags = r.readVarint()
      else if (tag === 0x5a) r.message(end, (inner) => exemplars.push(this.#exemplar(inner)))
      else if (tag === 0x71) point.zeroThreshold = r.readDouble()
    })
    return this.#visitor.exponentialHistogram({
      ...point,
      attributes,
      positive,
      negative,
      exemplars,
    })
  }

  #summary(end: number): boolean {
    const r = this.#r
    const attributes: Attribute[] = []
    const quantiles: { quantile: number; value: number }[] = []
    const point = { timestamp: 0, flags: 0, count: 0, sum: 0 }
    const readQuantile = (inner: number) => {
      const at = { quantile: 0, value: 0 }
      r.eachField(inner, (tag) => {
        if (tag === 0x09) at.quantile = r.readDouble()
        else if (tag === 0x11) at.value = r.readDouble()
      })
      quantiles.push(at)
    }
    r.eachField(end, (tag) => {
      if (tag === 0x3a) r.message(end, (pair) => attributes.push(this.#attribute(pair)))
      else if (tag === 0x19) point.timestamp = r.milliseconds()
      else if (tag === 0x21) point.count = r.readFixed64()
      else if (tag === 0x29) point.sum = r.readDouble()
      else if (tag === 0x32) r.message(end, readQuantile)
      else if (tag === 0x40) point.flags = r.readVarint()
    })
    return this.#visitor.summary({ ...point, attributes, quantiles })
  }

  #exemplar(end: number): OtlpExemplar {
    const r = this.#r
    const filteredAttributes: Attribute[] = []
    const told = { timestamp: 0, value: 0, traceId: '', spanId: '' }
    r.eachField(end, (tag) => {
      if (tag === 0x3a) r.message(end, (pair) => filteredAttributes.push(this.#attribute(pair)))
      else if (tag === 0x11) told.timestamp = r.milliseconds()
      else if (tag === 0x19) told.value = r.readDouble()
      else if (tag === 0x31) told.value = r.signed64()
      else if (tag === 0x22) told.spanId = toHex(r.bytes(end))
      else if (tag === 0x2a) told.traceId = toHex(r.bytes(end))
    })
    return { ...told, filteredAttributes }
  }

  #attribute(end: number): Attribute {
    const [key, value] = this.#keyValue(end, 0)
    return [key, attributeText(value)]
  }

  #keyValue(end: number, depth: number): [key: string, value: OtlpValue] {
    const r = this.#r
    let key = ''
    let value: OtlpValue = null
    r.eachField(end, (tag) => {
      if (tag === 0x0a) key = r.text(end)
      else if (tag === 0x12)
        r.message(end, (inner) => {
          value = this.#value(inner, depth)
        })
    })
    return [key, value]
  }

  #value(end: number, depth: number): OtlpValue {
    if (depth > VALUE_DEPTH_MAX) throw malformed(`an attribute is nested deeper than ${depth - 1}`)
    const r = this.#r
    let value: OtlpValue = null
    r.eachField(end, (tag) => {
      if (tag === 0x0a) value = r.text(end)
      else if (tag === 0x10) value = r.readBoolean()
      else if (tag === 0x18) value = r.int64()
      else if (tag === 0x21) value = r.readDouble()
      else if (tag === 0x2a) {
        const items: OtlpValue[] = []
        r.message(end, (list) =>
          this.#eachMessage(list, 0x0a, (item) => items.push(this.#value(item, depth + 1))),
        )
        value = items
      } else if (tag === 0x32) {
        const pairs = new Map<string, OtlpValue>()
        r.message(end, (list) =>
          this.#eachMessage(list, 0x0a, (item) => pairs.set(...this.#keyValue(item, depth + 1))),
        )
        value = pairs
      } else if (tag === 0x3a) value = r.bytes(end)
    })
    return value
  }
}
