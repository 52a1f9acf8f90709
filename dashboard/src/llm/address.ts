import { OUTCOMES, type Outcome, SPEND_DIMENSIONS, type SpendDimension } from './types.ts'

export const GATEWAY_VIEWS = ['requests', 'spend', 'providers', 'keys'] as const
export type GatewayView = (typeof GATEWAY_VIEWS)[number]

/** Which requests are listed; null is every one. */
export interface RequestFilter {
  readonly model: string | null
  readonly key: string | null
  readonly outcome: Outcome | null
}

/** All that the gateway's page shows, so that its address can be shared. */
export interface GatewayAddress extends RequestFilter {
  readonly view: GatewayView
  readonly hours: number
  readonly by: SpendDimension
}

export const ROUTING_VIEWS = ['decisions', 'try', 'artifact'] as const
export type RoutingView = (typeof ROUTING_VIEWS)[number]

export interface RoutingAddress {
  readonly view: RoutingView
  readonly hours: number
}

export interface Hours {
  readonly hours: number
  readonly label: string
  readonly title: string
}

export const SPEND_HOURS: readonly Hours[] = [
  { hours: 24, label: '24h', title: 'Last 24 hours' },
  { hours: 7 * 24, label: '7d', title: 'Last 7 days' },
  { hours: 30 * 24, label: '30d', title: 'Last 30 days' },
]
export const DECISION_HOURS: readonly Hours[] = [
  { hours: 1, label: '1h', title: 'This hour' },
  { hours: 24, label: '24h', title: 'Last 24 hours' },
  { hours: 7 * 24, label: '7d', title: 'Last 7 days' },
]
const HOURS_DEFAULT = 24

const chosen = <T extends string>(choices: readonly T[], text: string | null): T | null =>
  choices.find((choice) => choice === text) ?? null

const hoursOf = (choices: readonly Hours[], label: string | null): number =>
  choices.find((choice) => choice.label === label)?.hours ?? HOURS_DEFAULT

const labelOf = (choices: readonly Hours[], hours: number): string =>
  choices.find((choice) => choice.hours === hours)?.label ?? ''

/** Text of a parameter; null where it is absent or empty. */
const textOf = (parameters: URLSearchParams, name: string): string | null =>
  parameters.get(name) || null

/** Only what is not a default. */
const write = (fields: Readonly<Record<string, readonly [string | null, string | null]>>): string =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([name, [value, standard]]) =>
      value === null || value === standard ? [] : [[name, value]],
    ),
  ).toString()

/** Reads `view=spend&range=7d&by=key&model=…&key=…&outcome=error`; faults are defaults. */
export const parseGateway = (search: string): GatewayAddress => {
  const parameters = new URLSearchParams(search)
  return {
    view: chosen(GATEWAY_VIEWS, parameters.get('view')) ?? 'requests',
    hours: hoursOf(SPEND_HOURS, parameters.get('range')),
    by: chosen(SPEND_DIMENSIONS, parameters.get('by')) ?? 'model',
    model: textOf(parameters, 'model'),
    key: textOf(parameters, 'key'),
    outcome: chosen(OUTCOMES, parameters.get('outcome')),
  }
}

export const formatGateway = ({ view, hours, by, model, key, outcome }: GatewayAddress): string =>
  write({
    view: [view, 'requests'],
    range: [labelOf(SPEND_HOURS, hours), labelOf(SPEND_HOURS, HOURS_DEFAULT)],
    by: [by, 'model'],
    model: [model, null],
    key: [key, null],
    outcome: [outcome, null],
  })

/** Reads `view=artifact&range=7d`; faults are defaults. */
export const parseRouting = (search: string): RoutingAddress => {
  const parameters = new URLSearchParams(search)
  return {
    view: chosen(ROUTING_VIEWS, parameters.get('view')) ?? 'decisions',
    hours: hoursOf(DECISION_HOURS, parameters.get('range')),
  }
}

export const formatRouting = ({ view, hours }: RoutingAddress): string =>
  write({
    view: [view, 'decisions'],
    range: [labelOf(DECISION_HOURS, hours), labelOf(DECISION_HOURS, HOURS_DEFAULT)],
  })
