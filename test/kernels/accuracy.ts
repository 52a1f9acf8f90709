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
  /** Of Σ|x|, n ≤ 100 003: at most 262 additions in a row, around a mean, in a block with NaN. */
  summarySum: 6e-14,
  /** Of max|x|, n ≤ 100 003. */
  summaryMean: 6e-14,
  /** Of M2. */
  summaryM2: 5e-14,
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
  /** Of max(1, |prediction|), against XGBoost's sums in f32. */
  trees: 1e-6,
  /** Bits, absolute. */
  entropy: 1e-12,
} as const
