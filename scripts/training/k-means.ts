import { dots } from '../../src/kernels/similarity.ts'
import { type Random, wholeBelow } from './seeded.ts'

/** Queries of one call of the kernel: their scores stay small. */
const CHUNK_ROWS = 1024

/** The centroid with the greatest dot product with each row, u16[n]. */
export function assign(rows: Float32Array, centroids: Float32Array, dims: number): Uint16Array {
  const clusters = centroids.length / dims
  const nearest = new Uint16Array(rows.length / dims)
  for (let start = 0; start < nearest.length; start += CHUNK_ROWS) {
    const scores = dots(rows.subarray(start * dims, (start + CHUNK_ROWS) * dims), centroids, dims)
    for (let row = 0; row * clusters < scores.length; row++) {
      const own = scores.subarray(row * clusters, (row + 1) * clusters)
      nearest[start + row] = own.indexOf(own.reduce((a, b) => Math.max(a, b)))
    }
  }
  return nearest
}

const normalise = (row: Float32Array): void => {
  const norm = Math.sqrt(row.reduce((total, x) => total + x * x, 0))
  if (norm === 0) return
  row.forEach((x, i) => {
    row[i] = x / norm
  })
}

/** The first centroid at random, each next one by its distance from the nearest. Source: k-means++. */
function seedCentroids(rows: Float32Array, clusters: number, dims: number, random: Random) {
  const count = rows.length / dims
  const rowAt = (row: number) => rows.subarray(row * dims, (row + 1) * dims)
  const centroids = new Float32Array(clusters * dims)
  const distance = new Float64Array(count).fill(2)
  for (let cluster = 0; cluster < clusters; cluster++) {
    let left = random() * distance.reduce((a, b) => a + b, 0)
    let chosen = wholeBelow(random, count)
    for (let row = 0; row < count; row++) {
      left -= distance[row] ?? 0
      if (left <= 0) {
        chosen = row
        break
      }
    }
    centroids.set(rowAt(chosen), cluster * dims)
    const own = dots(rowAt(chosen), rows, dims)
    own.forEach((similarity, row) => {
      distance[row] = Math.min(distance[row] ?? 0, Math.max(0, 1 - similarity))
    })
  }
  return centroids
}

/**
 * Spherical k-means: centroids of length 1 with great dot products with their rows.
 *
 * @param rows f32[n][dims], of length 1 or zeros        @returns f32[clusters][dims]
 * Source: Dhillon & Modha 2001; seeding: Arthur & Vassilvitskii 2007.
 */
export function sphericalKMeans(
  rows: Float32Array,
  dims: number,
  clusters: number,
  iterations: number,
  random: Random,
): Float32Array {
  const centroids = seedCentroids(rows, clusters, dims, random)
  for (let iteration = 0; iteration < iterations; iteration++) {
    const nearest = assign(rows, centroids, dims)
    const sums = new Float64Array(centroids.length)
    nearest.forEach((cluster, row) => {
      for (let dim = 0; dim < dims; dim++) {
        const at = cluster * dims + dim
        sums[at] = (sums[at] ?? 0) + (rows[row * dims + dim] ?? 0)
      }
    })
    for (let cluster = 0; cluster < clusters; cluster++) {
      const sum = Float32Array.from(sums.subarray(cluster * dims, (cluster + 1) * dims))
      // A cluster that lost its rows keeps its place.
      if (sum.every((x) => x === 0)) continue
      normalise(sum)
      centroids.set(sum, cluster * dims)
    }
  }
  return centroids
}
