/** What a service without kernels answers: JSON.parse, then plain loops over the array. */
export const summarizePlainly = (text: string) => {
  const { values } = JSON.parse(text) as { values: (number | null)[] }
  let count = 0
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    const x = values[i]
    if (x === null || x === undefined) continue
    count++
    sum += x
    if (x < min) min = x
    if (x > max) max = x
  }
  const mean = sum / count
  // One loop for the variance would cancel.
  let m2 = 0
  for (let i = 0; i < values.length; i++) {
    const x = values[i]
    if (x !== null && x !== undefined) m2 += (x - mean) * (x - mean)
  }
  const variance = m2 / count
  const nanCount = values.length - count
  return { count, sum, min, max, mean, variance, stddev: Math.sqrt(variance), nanCount }
}
