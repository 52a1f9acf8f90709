import type { Browser, Page } from 'playwright-core'
import type { Api } from '../support/api.ts'
import { until } from '../support/until.ts'
import { type OpenPage, openPage } from './browser.ts'

export const QUEUE = 'explore_queue_length'
export const MANY = 'explore_many'
/** More than a chart draws at once. */
export const MANY_SERIES = 50

const STEP_MS = 30_000
const STEPS = 40

const gauge = (
  name: string,
  series: readonly string[],
  value: (i: number, step: number) => number,
) => {
  const nowMs = Date.now()
  return {
    name,
    gauge: {
      dataPoints: series.flatMap((shop, i) =>
        Array.from({ length: STEPS }, (_, step) => ({
          timeUnixNano: `${nowMs - (STEPS - 1 - step) * STEP_MS}000000`,
          asDouble: value(i, step),
          attributes: [{ key: 'shop', value: { stringValue: shop } }],
        })),
      ),
    },
  }
}

/** The last 20 minutes of three queues and of fifty other series, as an OpenTelemetry SDK sends them. */
export const sendSeries = async (api: Api): Promise<void> => {
  const many = Array.from({ length: MANY_SERIES }, (_, i) => `shop-${i}`)
  await api.post('/v1/metrics', {
    resourceMetrics: [
      {
        resource: {
          attributes: [{ key: 'service.name', value: { stringValue: 'explore-test' } }],
        },
        scopeMetrics: [
          {
            metrics: [
              gauge(QUEUE, ['berlin', 'oslo', 'riga'], (i, step) => 10 * (i + 1) + (step % 5)),
              gauge(MANY, many, (i) => i),
            ],
          },
        ],
      },
    ],
  })
  await until('the series to be found', async () => {
    const { data } = await api.json<{ data: { result: unknown[] } }>(`/api/v1/query?query=${QUEUE}`)
    return data.result.length === 3
  })
}

/** The explore page as a shared address opens it; the key travels in the fragment. */
export const openExplore = async (
  browser: Browser,
  baseUrl: string,
  key: string,
  parameters: Record<string, string> = {},
  viewport?: { width: number; height: number },
): Promise<OpenPage> => {
  const search = new URLSearchParams(parameters)
  const opened = await openPage(browser, `${baseUrl}/#key=${key}&/explore?${search}`, viewport)
  await editor(opened.page).waitFor()
  return opened
}

export const editor = (page: Page) => page.getByTestId('query-input')

/** Test id of what has the focus; of the editor it is that of its host. */
export const focusedId = (page: Page): Promise<string> =>
  page.evaluate<string>('document.activeElement?.getAttribute("data-testid") ?? ""')

/** Replaces the expression, as by hand, without running it. */
export const type = async (page: Page, text: string): Promise<void> => {
  await editor(page).focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await page.keyboard.type(text)
}

/** Errors of the page itself: a browser also notes every answer that is not a success. */
export const ownErrors = ({ errors }: OpenPage): string[] =>
  errors.filter((text) => !text.includes('Failed to load resource'))

/** How many different colours other than nothing the chart's canvas shows. */
export const coloursDrawn = (page: Page): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('[data-testid=result-chart] canvas')
    if (canvas === null) return 0
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Set()
    for (let i = 0; i < data.length; i += 4) {
      // Whole pixels alone: the edges of lines are mixtures.
      if (data[i + 3] === 255) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
    }
    return seen.size
  })()`)
