/** UTF-16 units of an expression. */
export const EXPRESSION_LENGTH_MAX = 32_768
/** Expressions inside one another. */
export const NESTING_DEPTH_MAX = 200
/** Selectors in one expression: each is a read from every shard. */
export const SELECTORS_MAX = 64
/** Points a series that a range query may ask for, as in Prometheus. */
export const STEPS_MAX = 11_000
/** Steps of a subquery's own grid. */
export const SUBQUERY_STEPS_MAX = 100_000
/** Samples that a query may read, as `query.max-samples` of Prometheus. */
export const SAMPLES_MAX = 50_000_000
/** Series that a query may read. */
export const SERIES_MAX = 50_000
/** Points (series × steps) of one vector inside a query: 9 bytes each. An isolate of 128 MB holds several. */
export const POINTS_MAX = 2_000_000
/** Points that the selectors of all queries of an isolate have read, where more than one runs. */
export const POINTS_RUNNING_MAX = 4_000_000
/** And those of one organisation. */
export const POINTS_RUNNING_PER_ORGANISATION_MAX = 3_000_000
/** Queries and catalogue calls of an isolate at the same time, from their first read to the end of their answer. */
export const QUERIES_RUNNING_MAX = 6
/** And those of one organisation: the others have room beside it. */
export const QUERIES_RUNNING_PER_ORGANISATION_MAX = 4
/** Queries that wait for others to end. */
export const QUERIES_WAITING_MAX = 128
/** And those of one organisation: a dashboard asks for some dozens at once. */
export const QUERIES_WAITING_PER_ORGANISATION_MAX = 64
/** How long they wait. */
export const QUERY_WAIT_MS_MAX = 5_000
/** How long an answer may take to be read. */
export const ANSWER_MS_MAX = 120_000
/** Raw samples in the answer to a range selector. */
export const RAW_SAMPLES_MAX = 1_000_000
/** Native histograms in the answer, or held by one vector. */
export const HISTOGRAMS_MAX = 200_000
/** UTF-16 units of one label's value that `label_replace` and `label_join` make. */
export const MADE_LABEL_LENGTH_MAX = 65_536
/** UTF-16 units of all label values that a query makes. */
export const MADE_LABELS_LENGTH_MAX = 33_554_432
/** Instructions × characters that a `label_replace` looks at in all its series. */
export const CAPTURE_VISITS_MAX = 200_000_000
/** Years 1970 to 9999; times beyond are not read. */
export const TIME_MS_MAX = 253_402_300_799_999
/** The longest duration or offset: 100 years, in ms. */
export const DURATION_MS_MAX = 100 * 365 * 86_400_000
/** Series, labels, values, metrics or exemplars in one answer of the catalogue. */
export const CATALOGUE_MAX = 100_000
