import type { Labels } from './query-api.ts'

const METRIC_NAME = '__name__'

/** A series as PromQL writes it: `up{job="shop"}`, `{job="shop"}`, `{}`. */
export const seriesName = (labels: Labels): string => {
  const name = labels[METRIC_NAME] ?? ''
  const rest = Object.entries(labels)
    .filter(([label]) => label !== METRIC_NAME)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return rest.length === 0 && name !== '' ? name : `${name}{${rest.join(', ')}}`
}

/** Labels that all series carry with the same value; none for fewer than two series. */
export const commonLabels = (all: readonly Labels[]): Labels => {
  const [first, ...others] = all
  if (first === undefined || others.length === 0) return {}
  return Object.fromEntries(
    Object.entries(first).filter(([label, value]) =>
      others.every((labels) => labels[label] === value),
    ),
  )
}

/** What is left of a series' labels when the common ones are said elsewhere. */
export const withoutLabels = (labels: Labels, common: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([label]) => !Object.hasOwn(common, label)))

/** The same text for the same labels, whatever their order. */
export const labelsKey = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
