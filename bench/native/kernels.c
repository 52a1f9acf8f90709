/**
 * What this processor can do at most: sum, min and max, fused summary and dot products in C, at the
 * vector width that the compiler's flags allow (-msse4.2, -mavx2 -mfma or -mavx512f).
 *
 *   kernels <sum|minmax|summary|dot> <elements> <dims>
 *
 * writes the checksum of one call; then, for each line with a number of calls on standard input, the
 * nanoseconds of this thread's CPU time that they took. Ends with its input. dot takes one query of
 * f32[dims] against elements / dims rows; the others take f64[elements].
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
typedef __m512d f64s;
typedef __m512 f32s;
#define F64S(name) _mm512_##name##_pd
#define F32S(name) _mm512_##name##_ps
#elif defined(__AVX2__)
typedef __m256d f64s;
typedef __m256 f32s;
#define F64S(name) _mm256_##name##_pd
#define F32S(name) _mm256_##name##_ps
#else
typedef __m128d f64s;
typedef __m128 f32s;
#define F64S(name) _mm_##name##_pd
#define F32S(name) _mm_##name##_ps
#endif

#if defined(__FMA__) || defined(__AVX512F__)
#define MULTIPLY_ADD_F64(a, b, c) F64S(fmadd)(a, b, c)
#define MULTIPLY_ADD_F32(a, b, c) F32S(fmadd)(a, b, c)
#else
#define MULTIPLY_ADD_F64(a, b, c) F64S(add)(F64S(mul)(a, b), c)
#define MULTIPLY_ADD_F32(a, b, c) F32S(add)(F32S(mul)(a, b), c)
#endif

enum { F64_LANES = sizeof(f64s) / 8, F32_LANES = sizeof(f32s) / 4, BLOCK_ELEMENTS = 1536 };

static double sum_lanes_f64(f64s x) {
  double lanes[F64_LANES], total = 0;
  F64S(storeu)(lanes, x);
  for (int i = 0; i < F64_LANES; i++) total += lanes[i];
  return total;
}

static double sum_lanes_f32(f32s x) {
  float lanes[F32_LANES];
  double total = 0;
  F32S(storeu)(lanes, x);
  for (int i = 0; i < F32_LANES; i++) total += lanes[i];
  return total;
}

static double min_lanes(f64s x) {
  double lanes[F64_LANES], least = INFINITY;
  F64S(storeu)(lanes, x);
  for (int i = 0; i < F64_LANES; i++) least = lanes[i] < least ? lanes[i] : least;
  return least;
}

static double max_lanes(f64s x) { return -min_lanes(F64S(sub)(F64S(setzero)(), x)); }

static double sum(const double *values, size_t count) {
  f64s sums[8];
  for (int i = 0; i < 8; i++) sums[i] = F64S(setzero)();
  size_t at = 0;
  for (; at + 8 * F64_LANES <= count; at += 8 * F64_LANES)
    for (int i = 0; i < 8; i++) sums[i] = F64S(add)(sums[i], F64S(loadu)(values + at + i * F64_LANES));
  double total = 0;
  for (int i = 0; i < 8; i++) total += sum_lanes_f64(sums[i]);
  for (; at < count; at++) total += values[at];
  return total;
}

static double min_max(const double *values, size_t count) {
  f64s min[4], max[4];
  for (int i = 0; i < 4; i++) min[i] = F64S(set1)(INFINITY), max[i] = F64S(set1)(-INFINITY);
  size_t at = 0;
  for (; at + 4 * F64_LANES <= count; at += 4 * F64_LANES)
    for (int i = 0; i < 4; i++) {
      f64s x = F64S(loadu)(values + at + i * F64_LANES);
      min[i] = F64S(min)(x, min[i]);
      max[i] = F64S(max)(x, max[i]);
    }
  double least = INFINITY, most = -INFINITY;
  for (int i = 0; i < 4; i++) {
    least = fmin(least, min_lanes(min[i]));
    most = fmax(most, max_lanes(max[i]));
  }
  for (; at < count; at++) least = fmin(least, values[at]), most = fmax(most, values[at]);
  return most - least;
}

/** Sum, min, max and variance in one pass: blocks around a mean of eight, merged as Chan et al. do. */
static double summary(const double *values, size_t count) {
  double n = 0, mean = 0, m2 = 0, least = INFINITY, most = -INFINITY;
  for (size_t start = 0; start < count; start += BLOCK_ELEMENTS) {
    const double *block = values + start;
    size_t length = count - start < BLOCK_ELEMENTS ? count - start : BLOCK_ELEMENTS, at = 0;
    double center = 0;
    for (int i = 0; i < 8; i++) center += block[(i * length) >> 3] / 8;
    f64s centers = F64S(set1)(center), sums[3], squares[3], min[2], max[2];
    for (int i = 0; i < 3; i++) sums[i] = squares[i] = F64S(setzero)();
    for (int i = 0; i < 2; i++) min[i] = F64S(set1)(INFINITY), max[i] = F64S(set1)(-INFINITY);
    for (; at + 3 * F64_LANES <= length; at += 3 * F64_LANES)
      for (int i = 0; i < 3; i++) {
        f64s x = F64S(loadu)(block + at + i * F64_LANES), d = F64S(sub)(x, centers);
        min[i & 1] = F64S(min)(x, min[i & 1]);
        max[i & 1] = F64S(max)(x, max[i & 1]);
        sums[i] = F64S(add)(sums[i], d);
        squares[i] = MULTIPLY_ADD_F64(d, d, squares[i]);
      }
    double total = 0, total_squares = 0;
    for (int i = 0; i < 3; i++) total += sum_lanes_f64(sums[i]), total_squares += sum_lanes_f64(squares[i]);
    for (int i = 0; i < 2; i++) least = fmin(least, min_lanes(min[i])), most = fmax(most, max_lanes(max[i]));
    for (; at < length; at++) {
      double d = block[at] - center;
      total += d;
      total_squares += d * d;
      least = fmin(least, block[at]);
      most = fmax(most, block[at]);
    }
    double delta = center + total / length - mean, share = length / (n + length);
    m2 += total_squares - total * total / length + delta * delta * n * share;
    mean += delta * share;
    n += length;
  }
  return most - least + mean + m2 / n;
}

/** One query against `together` rows at once, with two sums each. */
static inline __attribute__((always_inline)) double dot_rows(
    const float *query, const float *rows, size_t dims, int together) {
  f32s sums[4][2];
  for (int r = 0; r < together; r++) sums[r][0] = sums[r][1] = F32S(setzero)();
  size_t at = 0;
  for (; at + 2 * F32_LANES <= dims; at += 2 * F32_LANES) {
    f32s q0 = F32S(loadu)(query + at), q1 = F32S(loadu)(query + at + F32_LANES);
    for (int r = 0; r < together; r++) {
      sums[r][0] = MULTIPLY_ADD_F32(q0, F32S(loadu)(rows + r * dims + at), sums[r][0]);
      sums[r][1] = MULTIPLY_ADD_F32(q1, F32S(loadu)(rows + r * dims + at + F32_LANES), sums[r][1]);
    }
  }
  double checksum = 0;
  for (int r = 0; r < together; r++) checksum += sum_lanes_f32(F32S(add)(sums[r][0], sums[r][1]));
  for (; at < dims; at++)
    for (int r = 0; r < together; r++) checksum += (double)query[at] * rows[r * dims + at];
  return checksum;
}

static double dot(const float *query, const float *rows, size_t count, size_t dims) {
  double checksum = 0;
  size_t row = 0;
  for (; row + 4 <= count; row += 4) checksum += dot_rows(query, rows + row * dims, dims, 4);
  for (; row < count; row++) checksum += dot_rows(query, rows + row * dims, dims, 1);
  return checksum;
}

static uint32_t state = 42;

/** The values of bench/kernels/inputs.ts. */
static double percentage(void) {
  state = state * 1664525u + 1013904223u;
  double uniform = (state + 0.5) / 4294967296.0;
  return 100 * (uniform * uniform * uniform);
}

static void *allocate(size_t size_bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, size_bytes + 64)) exit(1);
  return memory;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) return 2;
  const char *kernel = arguments[1];
  size_t count = strtoull(arguments[2], NULL, 10), dims = strtoull(arguments[3], NULL, 10);
  if (dims == 0) return 2;
  double *values = NULL;
  float *rows = NULL, *query = NULL;
  if (!strcmp(kernel, "dot")) {
    query = allocate(dims * 4);
    rows = allocate(count * 4);
    for (size_t i = 0; i < dims; i++) query[i] = (float)percentage();
    state = 42;
    for (size_t i = 0; i < count; i++) rows[i] = (float)percentage() - 25;
  } else {
    values = allocate(count * 8);
    for (size_t i = 0; i < count; i++) values[i] = percentage();
  }
  volatile double checksum = 0;
  for (long calls = 1; calls > 0;) {
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (long call = 0; call < calls; call++) {
      // The memory might have changed, as far as the compiler knows: every call reads it again.
      __asm__ volatile("" ::: "memory");
      if (rows) checksum = dot(query, rows, count / dims, dims);
      else if (!strcmp(kernel, "sum")) checksum = sum(values, count);
      else if (!strcmp(kernel, "minmax")) checksum = min_max(values, count);
      else checksum = summary(values, count);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    static int answered = 0;
    if (!answered++) printf("%.17g\n", checksum);
    else printf("%.0f\n", (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec));
    fflush(stdout);
    if (scanf("%ld", &calls) != 1) break;
  }
  return 0;
}
