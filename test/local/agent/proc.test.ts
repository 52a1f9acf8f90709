import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  parseCpuTicks,
  parseDiskOperations,
  parseMemory,
  parseNetworkBytes,
} from '../../../local/agent/proc.ts'

const captured = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, 'captured', `${name}.txt`), 'utf8')

describe('parsers of texts captured on a two-core virtual machine', () => {
  it('counts user, nice, system, irq, softirq and steal as busy, idle and iowait not', () => {
    expect(parseCpuTicks(captured('stat.1'))).toEqual({ busy: 8_454, total: 198_871 })
    expect(parseCpuTicks(captured('stat.2'))).toEqual({ busy: 8_464, total: 199_110 })
  })

  it('reads total and available memory in bytes', () => {
    expect(parseMemory(captured('meminfo.1'))).toEqual({
      totalBytes: 24_684_096 * 1024,
      availableBytes: 24_379_032 * 1024,
    })
  })

  it('counts the network card and not loopback or the redirection devices', () => {
    expect(parseNetworkBytes(captured('net-dev.1'))).toEqual({
      inBytes: 519_719_947,
      outBytes: 594_086,
    })
  })

  it('counts the disk and not loop devices or compressed memory', () => {
    expect(parseDiskOperations(captured('diskstats.1'))).toEqual({ reads: 9_229, writes: 2_675 })
  })
})

describe('parsers of other shapes', () => {
  it('does not count guest time twice', () => {
    expect(parseCpuTicks('cpu  100 0 50 800 0 0 0 0 60 0\n')).toEqual({ busy: 150, total: 950 })
  })

  it('counts whole NVMe and SCSI disks and not their partitions or what stands on them', () => {
    const text = [
      ' 259       0 nvme0n1 100 0 0 0 10 0 0 0 0 0 0',
      ' 259       1 nvme0n1p1 60 0 0 0 6 0 0 0 0 0 0',
      '   8       0 sda 7 0 0 0 3 0 0 0 0 0 0',
      '   8       1 sda1 7 0 0 0 3 0 0 0 0 0 0',
      ' 253       0 dm-0 107 0 0 0 13 0 0 0 0 0 0',
      '   9       0 md0 50 0 0 0 5 0 0 0 0 0 0',
      ' 179       0 mmcblk0 1 0 0 0 1 0 0 0 0 0 0',
      ' 179       1 mmcblk0p1 1 0 0 0 1 0 0 0 0 0 0',
    ].join('\n')
    expect(parseDiskOperations(text)).toEqual({ reads: 108, writes: 14 })
  })

  it('does not count container bridges beside the card that carries their traffic', () => {
    const row = (name: string, value: number): string =>
      `${name}: ${value} 1 0 0 0 0 0 0 ${value} 1 0 0 0 0 0 0`
    const text = ['eth0', 'docker0', 'veth12ab', 'br-77', 'virbr0', 'wlan0'].map((name, index) =>
      row(name, 10 ** index),
    )
    expect(parseNetworkBytes(text.join('\n'))).toEqual({ inBytes: 100_001, outBytes: 100_001 })
  })

  it('reads an interface whose counter touches the colon', () => {
    expect(parseNetworkBytes('eth0:123 1 0 0 0 0 0 0 456 1 0 0 0 0 0 0')).toEqual({
      inBytes: 123,
      outBytes: 456,
    })
  })

  it.each([
    ['an empty text', ''],
    ['a text of something else', 'no such thing\n'],
  ])('answers null for %s instead of zero', (_name, text) => {
    expect(parseCpuTicks(text)).toBeNull()
    expect(parseMemory(text)).toBeNull()
    expect(parseNetworkBytes(text)).toBeNull()
    expect(parseDiskOperations(text)).toBeNull()
  })

  it('answers null where the kernel has no MemAvailable', () => {
    expect(parseMemory('MemTotal: 100 kB\nMemFree: 50 kB\n')).toBeNull()
  })
})
