declare module 'prometheus-remote-write/prom.js' {
  interface Message<T> {
    encode(message: T): { finish(): Uint8Array }
    decode(bytes: Uint8Array): T
  }
  interface Text {
    name?: string
    value?: string
  }
  interface TimeSeries {
    labels?: Text[]
    samples?: { value?: number; timestamp?: number }[] | undefined
  }
  const root: {
    prometheus: {
      WriteRequest: Message<{ timeseries?: TimeSeries[] }>
      MetricMetadata: Message<{ metricFamilyName?: string; help?: string }>
    }
  }
  export default root
}
