import { describe, expect, it } from 'vitest'
import {
  ago,
  bytesPerSecond,
  diskSize,
  dollars,
  memorySize,
  operations,
  percent,
} from '../../dashboard/src/format.ts'

describe('formatters', () => {
  it.each([
    [0, '0 B/s'],
    [999, '999 B/s'],
    [999.6, '1.00 kB/s'],
    [1234, '1.23 kB/s'],
    [12_345, '12.3 kB/s'],
    [999_499, '999 kB/s'],
    [999_500, '1.00 MB/s'],
    [2.5e9, '2.50 GB/s'],
    [-5, '0 B/s'],
  ])('%d bytes a second read %s', (value, text) => {
    const quantity = bytesPerSecond(value)
    expect(`${quantity.value} ${quantity.unit}`).toBe(text)
  })

  it('show a dash and no unit for what was never reported or is not a number', () => {
    expect(bytesPerSecond(null)).toEqual({ value: '–', unit: '' })
    expect(bytesPerSecond(Number.NaN)).toEqual({ value: '–', unit: '' })
    expect(percent(undefined)).toBe('–')
    expect(operations(null)).toBe('–')
    expect(dollars(null)).toBe('–')
  })

  it.each([
    [0, '0'],
    [0.4, '0.4'],
    [9.96, '10'],
    [999.4, '999'],
    [1234, '1.23k'],
    [1_500_000, '1.50M'],
  ])('%d operations a second read %s', (value, text) => expect(operations(value)).toBe(text))

  it.each([
    [-3000, 'now'],
    [4999, 'now'],
    [5000, '5 s ago'],
    [59_999, '59 s ago'],
    [300_000, '5 min ago'],
    [47 * 3_600_000, '47 h ago'],
    [49 * 3_600_000, '2 d ago'],
  ])('an age of %d ms reads %s', (ageMs, text) => expect(ago(ageMs)).toBe(text))

  it('name sizes in the units they are sold in', () => {
    expect(memorySize(512)).toBe('512 MiB')
    expect(memorySize(8192)).toBe('8 GiB')
    expect(memorySize(1536)).toBe('1.5 GiB')
    expect(diskSize(80)).toBe('80 GB')
    expect(diskSize(1500)).toBe('1.5 TB')
  })

  it('give cents below a hundred dollars only', () => {
    expect(dollars(3.456)).toBe('$3.46')
    expect(dollars(12_916.4)).toBe('$12,916')
  })
})
