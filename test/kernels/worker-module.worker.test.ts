import { describe, expect, it } from 'vitest'
import baselineModule from '../../build/kernels.wasm'
import relaxedModule from '../../build/kernels-relaxed.wasm'
import { Histogram } from '../../src/kernels/histogram.ts'
import { supportsRelaxedSimd } from '../../src/kernels/module.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import { summary } from '../../src/kernels/reduce.ts'
import { getKernels } from '../../src/kernels/worker-module.ts'

describe('the kernels inside workerd', () => {
  const values = Float64Array.from({ length: 1001 }, (_, i) => i)

  it('are loaded by importing their module', () => {
    expect(getKernels().exports.heap_base()).toBeGreaterThan(0)
    expect(summary(values)).toMatchObject({ count: 1001, sum: 500_500, min: 0, max: 1000 })
    expect([...quantiles(values, [0.5, 0.95])]).toEqual([500, 950])
    const histogram = new Histogram()
    histogram.insert(values)
    expect(Math.abs(histogram.quantile(0.95) / 950 - 1)).toBeLessThanOrEqual(0.0109)
  })

  it('are the build with relaxed SIMD, for both compile here', () => {
    expect(supportsRelaxedSimd()).toBe(true)
    expect(WebAssembly.Module.exports(relaxedModule)).toEqual(
      WebAssembly.Module.exports(baselineModule),
    )
  })
})
