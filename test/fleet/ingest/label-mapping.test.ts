import { describe, expect, it } from 'vitest'
import {
  parseVmLabels,
  VM_LABELS_DEFAULT,
  vmReferenceOf,
  vmReferencesOf,
  withoutPort,
} from '../../../src/fleet/ingest/label-mapping.ts'
import type { Label } from '../../../src/fleet/series/labels.ts'

describe('the VM that labels name', () => {
  it.each<[string, Label[], string | null]>([
    ['our own label', [['vm', 'web-1']], 'web-1'],
    ['a Prometheus target', [['instance', 'web-1:9100']], 'web-1'],
    ['an OpenTelemetry host, translated', [['host_name', 'web-1']], 'web-1'],
    ['an OpenTelemetry host', [['host.name', 'web-1']], 'web-1'],
    ['a Telegraf host', [['host', 'web-1']], 'web-1'],
    ['an OpenTelemetry service', [['service.instance.id', 'web-1']], 'web-1'],
    ['nothing', [['job', 'node']], null],
    ['an empty label', [['vm', '']], null],
    ['a blank', [['vm', ' ']], null],
    ['blanks of other kinds', [['host', '\t\u00a0\u3000']], null],
    ['a port alone', [['instance', ':9100']], null],
    ['a port alone, in any label', [['host', ':9100']], null],
    ['a port behind empty brackets', [['instance', '[]:9100']], null],
    ['a colon', [['instance', ':']], null],
    ['the nil UUID', [['service.instance.id', '00000000-0000-0000-0000-000000000000']], null],
    ['addresses that begin with colons', [['instance', '[::1]:9100']], '::1'],
    ['every address', [['instance', '::']], '::'],
    ['a name that no VM has', [['vm', 'x'.repeat(254)]], null],
  ])('is found by %s', (_, labels, expected) => {
    expect(vmReferenceOf(labels)).toBe(expected)
  })

  it('is the most telling label, whatever the order of the labels', () => {
    const labels: Label[] = [
      ['host', 'c'],
      ['instance', 'b:9100'],
      ['vm', 'a'],
    ]
    expect(vmReferencesOf(labels)).toEqual(['a', 'b', 'c'])
    expect(vmReferencesOf([...labels].reverse())).toEqual(['a', 'b', 'c'])
  })

  it('is the next label where the first says nothing', () => {
    const nothing: Label[] = [
      ['vm', ' '],
      ['instance', ':9100'],
      ['host_name', '00000000-0000-0000-0000-000000000000'],
    ]
    expect(vmReferencesOf([...nothing, ['host', 'c']])).toEqual(['c'])
  })

  it('names each candidate once', () => {
    const labels: Label[] = [
      ['instance', 'web-1:9100'],
      ['host_name', 'web-1'],
    ]
    expect(vmReferencesOf(labels)).toEqual(['web-1'])
  })

  it.each([
    ['host:9100', 'host'],
    ['10.0.0.7:9100', '10.0.0.7'],
    ['[::1]:9100', '::1'],
    ['[fe80::1]', 'fe80::1'],
    ['fe80::1', 'fe80::1'],
    ['host', 'host'],
    ['host:', 'host:'],
    ['host:http', 'host:http'],
    ['https://example.org/', 'https://example.org/'],
    [':9100', ':9100'],
  ])('reads the target %s as %s', (target, expected) => {
    expect(withoutPort(target)).toBe(expected)
  })

  it('follows the configured labels and no others', () => {
    const labels = parseVmLabels(' node , exported_host')
    expect(labels).toEqual(['node', 'exported_host'])
    expect(vmReferenceOf([['vm', 'a']], labels)).toBeNull()
    expect(vmReferenceOf([['exported_host', 'b']], labels)).toBe('b')
  })

  it('takes an empty list as the default, and refuses one without end', () => {
    expect(parseVmLabels(' , ')).toBe(VM_LABELS_DEFAULT)
    expect(() => parseVmLabels('a,'.repeat(17))).toThrow(RangeError)
  })
})
