/** The export list is the ABI: pointers in, pointers out; the caller owns all memory. */
export {
  sum_f64, sum_f32, sum_compensated_f64, min_max_f64, min_max_f32, summary_add_f64, summary_add_f32,
  summary_f64, summary_f32,
} from './reduce'
export { sum_exact_f64 } from './exact-sum'
export { summary_i8, summary_u8 } from './quantised'
export {
  order_statistics_f64, order_statistics_work_bytes, quantiles_f64, quantiles_work_bytes, remove_nan_f64,
  widen_valid_f32,
} from './quantile'
export { bracket_f32, bracket_f64, count_around_f32, count_around_f64 } from './bracket'
export {
  histogram_boundaries, histogram_bucket_f64, histogram_insert_f64, histogram_range_f64,
  histogram_work_bytes,
} from './histogram'
export {
  histogram_window_add_f64, histogram_window_buckets_max, histogram_window_close,
  histogram_window_open,
} from './histogram-window'
export { cosine_f32, cosine_f64, dot_f32, dot_f64 } from './similarity'
export {
  distances_f32, distances_f64, dots_f32, dots_f64, normalize_f32, squared_distances_f32,
  squared_distances_f64,
} from './similarity-rows'
export { cosines_i8, dots_i8, quantise_i8, squared_distances_i8 } from './similarity-i8'
export { top_k_f64 } from './top-k'
export { abs_f64, clamp_f64, offset_f64, scale_f64, standardize_f64 } from './elementwise'
export {
  diff_f64, ewma_f64, rolling_max_f64, rolling_mean_f64, rolling_min_f64, rolling_sum_f64,
  rolling_variance_f64, rolling_work_bytes,
} from './rolling'
export {
  parse_elements_f64, parse_numbers_f64, parse_padding_bytes, parse_result_bytes,
} from './parse'
export { powers_of_five } from './decimal'
export { base64_decode } from './base64'
export { trees_margins_f32, trees_work_bytes } from './trees'
export { series_identities, series_identity } from './series-identity'
export {
  remote_write_columns_bytes, remote_write_padding_bytes, remote_write_scan,
} from './remote-write'
export { snappy_decompress, snappy_padding_bytes } from './snappy'
export { text_result_bytes, text_scan, text_work_bytes } from './text'
export { routing_read, routing_result_bytes, routing_work_bytes } from './routing'
export { chunk_bytes_max, chunk_decode, chunk_encode, chunk_work_bytes } from './chunk'
export { points_text, points_text_bytes_max } from './points'
export { windows_evaluate, windows_is_ascending, windows_work_bytes } from './windows'

/** First byte that holds no static data: the host's arena begins here. */
export function heap_base(): usize {
  return __heap_base
}
