import { describe, expect, it } from 'vitest'
import {
  boundText,
  labelNameOf,
  labelsOf,
  metricNameOf,
  plainMetricName,
} from '../../../src/fleet/ingest/prometheus-names.ts'

describe('the name of a metric', () => {
  // Source of the cases: the examples of the compatibility specification and of otlptranslator's tests.
  it.each([
    ['system.cpu.time', 's', 'counter', 'system_cpu_time_seconds_total'],
    ['system.memory.usage', 'By', 'other', 'system_memory_usage_bytes'],
    ['system.cpu.utilization', '1', 'gauge', 'system_cpu_utilization_ratio'],
    ['system.cpu.utilization', '1', 'other', 'system_cpu_utilization'],
    ['system.network.io', 'By', 'counter', 'system_network_io_bytes_total'],
    ['system.disk.operations', '{operations}', 'counter', 'system_disk_operations_total'],
    ['http.server.duration', 'ms', 'other', 'http_server_duration_milliseconds'],
    ['foo.total', '1', 'counter', 'foo_total'],
    ['foo_total_time', 's', 'counter', 'foo_time_seconds_total'],
    ['fs.io', 'By/s', 'gauge', 'fs_io_bytes_per_second'],
    ['requests', '{request}/m', 'gauge', 'requests_per_minute'],
    ['foo', 'm/s', 'gauge', 'foo_meters_per_second'],
    ['memory_in_use_bytes', 'By', 'gauge', 'memory_in_use_bytes'],
    ['1foo', '', 'gauge', '_1foo'],
    ['a..b  c--d', '', 'gauge', 'a_b_c_d'],
    ['über', '', 'gauge', 'ber'],
    ['foo', '/', 'gauge', 'foo'],
    ['foo', 'constructor', 'gauge', 'foo_constructor'],
    ['broker:rule', '', 'gauge', 'broker:rule'],
    ['…', 's', 'gauge', ''],
    ['', 's', 'counter', ''],
  ] as const)('of %s in %s as a %s is %s', (name, unit, kind, expected) => {
    expect(metricNameOf(name, unit, kind)).toBe(expected)
  })

  it.each([
    ['cpu_usage idle', 'cpu_usage_idle'],
    ['win-cpu.load', 'win_cpu_load'],
    ['1m', '_1m'],
    ['ü', ''],
  ])('of %s in the plain form is %s', (name, expected) => {
    expect(plainMetricName(name)).toBe(expected)
  })
})

describe('the name of a label', () => {
  it.each([
    ['http.request.method', 'http_request_method'],
    ['a.-b', 'a_b'],
    ['a__b', 'a_b'],
    ['__name__', '_name_'],
    ['0day', 'key_0day'],
    ['_private', '_private'],
    ['ü', ''],
    ['', ''],
  ])('of %s is %s', (key, expected) => {
    expect(labelNameOf(key)).toBe(expected)
  })

  it('holds the values of all its keys, in the order of the keys', () => {
    const attributes = [
      ['a.b', '2'],
      ['c', '3'],
      ['a_b', '4'],
      ['a-b', '1'],
      ['a+b', ''],
    ] as const
    expect([...labelsOf(attributes)]).toEqual([
      ['a_b', '1;2;4'],
      ['c', '3'],
    ])
  })
})

describe('the text of a bound', () => {
  it.each([
    [0.005, '0.005'],
    [100, '100'],
    [1e21, '1000000000000000000000'],
    [1.5e22, '15000000000000000000000'],
    [1e-7, '0.0000001'],
    [-2.5e-9, '-0.0000000025'],
    [Number.POSITIVE_INFINITY, '+Inf'],
  ])('of %s is %s', (bound, expected) => {
    expect(boundText(bound)).toBe(expected)
    expect(Number(boundText(bound).replace('+Inf', 'Infinity'))).toBe(bound)
  })
})
