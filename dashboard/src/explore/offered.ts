/** What the editor's grammar knows and the service does not answer; it is not offered. */
export const NOT_OFFERED: ReadonlySet<string> = new Set([
  ...['double_exponential_smoothing', 'end', 'first_over_time', 'histogram_quantiles'],
  ...['histogram_stddev', 'histogram_stdvar', 'info', 'mad_over_time', 'range'],
  ...['sort_by_label', 'sort_by_label_desc', 'start', 'start_timestamp', 'step'],
  ...['ts_of_first_over_time', 'ts_of_last_over_time', 'ts_of_max_over_time'],
  ...['ts_of_min_over_time', 'limitk', 'limit_ratio', 'fill', 'fill_left', 'fill_right'],
  ...['step()', 'range()', 'min_of', 'max_of'],
])
