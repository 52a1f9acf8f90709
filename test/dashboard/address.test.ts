import { describe, expect, it } from 'vitest'
import { layOutCells } from '../../dashboard/src/components/bridge-cells.ts'
import { takeKey } from '../../dashboard/src/key.ts'
import { parseRoute, routeTo } from '../../dashboard/src/route.ts'

describe('key in the fragment', () => {
  it.each([
    ['#key=abc', 'abc', ''],
    ['#key=a%2Bb', 'a+b', ''],
    ['#key=abc&/vms/7', 'abc', '#/vms/7'],
    ['#/vms/7?key=abc', 'abc', '#/vms/7'],
    ['#key=50%', '50%', ''],
    ['#key=', null, ''],
    ['#/vms/7', null, '#/vms/7'],
    ['', null, ''],
  ])('%s holds %s and leaves %s', (fragment, key, rest) => {
    expect(takeKey(fragment)).toEqual({ key, rest })
  })

  it('does not take a name that only ends in key', () => {
    expect(takeKey('#/vms/monkey=1').key).toBeNull()
  })
})

describe('route', () => {
  it('survives names with any characters', () => {
    const route = { page: 'vm', id: 'a/b?c#d é' } as const
    expect(parseRoute(routeTo(route))).toEqual(route)
  })

  it('is the fleet for everything else', () => {
    for (const fragment of ['', '#', '#/', '#/vms/', '#/elsewhere']) {
      expect(parseRoute(fragment)).toEqual({ page: 'fleet' })
    }
  })

  it('does not throw on a broken escape', () => {
    expect(parseRoute('#/vms/%E0%A4%A')).toEqual({ page: 'vm', id: '%E0%A4%A' })
  })
})

describe('bridge cells', () => {
  it.each([24, 100, 1000, 10_000, 100_000])('fit %d marks into the strip', (count) => {
    const cells = layOutCells(count, 1392, 40, 1)
    const columns = Math.ceil(count / cells.rows)
    expect(columns * cells.stepX).toBeLessThanOrEqual(1392.001)
    expect(cells.rows * cells.stepY).toBeLessThanOrEqual(40.001)
    expect(columns * cells.rows).toBeGreaterThanOrEqual(count)
  })
})
