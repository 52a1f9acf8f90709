/**
 * Largest error that any test input may show, cited by the docstrings of kernels and host. Inputs:
 * the sizes and values of cases.ts and, where a test says so, larger arrays. Unit: as the docstring
 * says, mostly relative to the magnitude that went in. 2^−53 ≈ 1.1e−16.
 */
export const ACCURACY = {
  /** Of Σ|x|, any n: at most 275 additions in a row, each off by 2^−53 of what came so far. */
  sum: 3.1e-14,
  /** Of |sum|, before the n² term. */
  sumCompensated: 2.3e-16,
  /** Of Σ|x|, any n: at most 135 additions in a row, of distances that are at most 3 Σ|x| together. */
  summarySum: 6e-14,
  /** Of max|x|, n ≤ 100 003. */
  summaryMean: 6e-14,
  /** Of M2, n ≤ 100 003: 4 bits of a block's may cancel, after at most 135 additions in a row. */
  summaryM2: 1e-12,
  /** Of Σ|a·b|. */
  dot_f32: 1e-6,
  dot_f64: 1e-15,
  /** Of what the i8 values themselves give; distances: of ‖q‖² + ‖x‖². */
  dot_i8: 4.5e-16,
  /** Relative. */
  squaredDistance_f32: 2e-6,
  squaredDistance_f64: 2e-15,
  distance_f32: 1e-6,
  distance_f64: 1e-15,
  /** Absolute. */
  cosine_f32: 1e-6,
  cosine_f64: 2e-15,
  cosine_i8: 4e-16,
  /** Of max|x| so far, weight ≥ 0.01. */
  ewma: 1e-14,
  /** Of Σ|x| of the window. */
  rollingSum: 1e-13,
  /** Of max|x| of the window. */
  rollingMean: 1e-13,
  /** Of the variance. */
  rollingVariance: 3e-14,
  /** Of the largest value: means, deviations, slopes a second; of its square: variances; of Σ: sums. */
  windows: 1e-12,
  /** Of max(1, |prediction|), against XGBoost's sums in f32. */
  trees: 1e-6,
  /** Bits, absolute. */
  entropy: 1e-12,
} as const

/**
 * Largest error on well-behaved input, as the tests of typical-accuracy.test.ts make it: about twice of what
 * both builds show. ACCURACY is what is promised of any input; here a kernel that grew worse is seen.
 * Units as in ACCURACY.
 */
export const TYPICAL = {
  sum: 5e-16,
  sumCompensated: 1.2e-16,
  summarySum: 5e-16,
  summaryMean: 2e-16,
  summaryM2: 9e-15,
  dot_f32: 5e-8,
  dot_f64: 3e-16,
  squaredDistance_f32: 1.5e-7,
  squaredDistance_f64: 1.7e-15,
  cosine_f32: 1.4e-7,
  cosine_f64: 2e-15,
  ewma: 1.8e-15,
  rollingSum: 9e-16,
  rollingMean: 8e-16,
  rollingVariance: 8e-15,
} as const
