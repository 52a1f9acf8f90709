import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { until } from '../support/until.ts'
import { closePage, launchBrowser, untilConnected } from './browser.ts'
import {
  coloursDrawn,
  editor,
  focusedId,
  MANY,
  MANY_SERIES,
  openExplore,
  ownErrors,
  QUEUE,
  sendSeries,
  type as typeQuery,
} from './explore.ts'

const baseUrl = inject('baseUrl')
const key = inject('developmentKey')

let browser: Browser
beforeAll(async () => {
  await sendSeries(createApi(baseUrl, key))
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

const open = (parameters: Record<string, string> = {}) =>
  openExplore(browser, baseUrl, key, parameters)

describe('the explore page', () => {
  it('goes from a few letters to a chart and a table by keyboard alone', async () => {
    const opened = await open()
    const { page } = opened
    await typeQuery(page, 'avg(explore_que')
    const option = page.locator('.cm-tooltip-autocomplete li[aria-selected]')
    await option.filter({ hasText: QUEUE }).waitFor()
    // The list takes no key in its first moment, so that it does not surprise a typist.
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    await until('the name', async () => (await editor(page).textContent()) === `avg(${QUEUE})`)

    await page.keyboard.press('Control+Home')
    for (let i = 0; i < 4; i++) await page.keyboard.press('Delete')
    await page.keyboard.press('End')
    await page.keyboard.press('Backspace')
    await page.keyboard.type('{sh')
    await page.locator('.cm-tooltip-autocomplete li', { hasText: /^shop/ }).first().waitFor()
    await page.keyboard.press('Escape')
    for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace')
    await page.keyboard.press('Delete')
    await until('the query', async () => (await editor(page).textContent()) === QUEUE)
    await page.keyboard.press('Control+Enter')
    await page.getByTestId('legend').waitFor()
    await until('three lines', async () => (await coloursDrawn(page)) >= 3)
    expect(await page.getByTestId('query-status').textContent()).toMatch(/^3 series/)

    await until('the tabs by Tab', async () => {
      await page.keyboard.press('Tab')
      return (await focusedId(page)) === 'result-tab-chart'
    })
    await page.keyboard.press('ArrowRight')
    await page.getByTestId('result-table').waitFor()
    expect(await focusedId(page)).toBe('result-tab-table')
    expect(page.url()).toContain('view=table')
    await page.keyboard.press('ArrowLeft')
    await page.getByTestId('legend').waitFor()
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('shows what a shared address says, sorts its table, and goes back', async () => {
    const opened = await open({ query: QUEUE, range: '15m', view: 'table' })
    const { page } = opened
    const shops = (): Promise<string> =>
      page
        .locator('[data-testid=result-table] tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => /berlin|oslo|riga/.exec(row.textContent ?? '')?.[0]).join(),
        )
    await page.getByTestId('result-table').waitFor()
    await page.getByTestId('sort-value').click()
    await until('the largest first', async () => (await shops()) === 'riga,oslo,berlin')
    await page.getByTestId('sort-shop').click()
    await until('the shops by name', async () => (await shops()) === 'berlin,oslo,riga')
    expect(await page.getByTestId('range-15m').getAttribute('aria-pressed')).toBe('true')

    await page.getByTestId('range-6h').click()
    await until('the range', () => page.url().includes('range=6h'))
    await page.goBack()
    await until('the range before', async () => {
      return (await page.getByTestId('range-15m').getAttribute('aria-pressed')) === 'true'
    })
    await closePage(opened)
  })

  it('marks an error at its place and takes the cursor there', async () => {
    const opened = await open()
    const { page } = opened
    const query = `sum(rate(${QUEUE}[5m)) / 2`
    // Brackets close themselves while typing; pasted text stays as it is.
    await editor(page).focus()
    await page.keyboard.insertText(query)
    await page.keyboard.press('Control+Enter')
    const failure = page.getByTestId('query-failure')
    await failure.waitFor()
    const column = query.indexOf(')') + 1
    expect(await failure.textContent()).toContain(`1:${column}: parse error`)
    expect(await page.getByTestId('query-fault').textContent()).toBe(')')
    expect(await editor(page).getAttribute('aria-invalid')).toBe('true')

    await failure.getByRole('button', { name: 'Go to the place' }).click()
    await until('the cursor', async () => (await focusedId(page)) === 'query-editor')
    await page.keyboard.type(']')
    await until('no mark in another text', async () => {
      return (await page.getByTestId('query-fault').count()) === 0
    })
    await page.keyboard.press('Control+Enter')
    await page.getByTestId('legend').waitFor()
    expect(await failure.count()).toBe(0)
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('says of a range selector that the table has its samples', async () => {
    const opened = await open({ query: `${QUEUE}[5m]` })
    const { page } = opened
    await page.getByRole('button', { name: 'open the table' }).click()
    await page.getByTestId('result-table').waitFor()
    const headers = await page.locator('[data-testid=result-table] th').allTextContents()
    expect(headers).toContain('samples')
    await closePage(opened)
  })

  it('draws a bounded number of series and lets others be chosen', async () => {
    const opened = await open({ query: MANY })
    const { page } = opened
    const note = page.getByTestId('not-drawn')
    await note.waitFor()
    expect(await note.textContent()).toContain(`40 of ${MANY_SERIES} series`)
    const boxes = page.locator('[data-testid=legend] input')
    expect(await boxes.count()).toBe(MANY_SERIES)
    expect(await boxes.nth(45).isDisabled()).toBe(true)
    await boxes.nth(0).uncheck()
    await boxes.nth(45).check()
    expect(await boxes.nth(46).isDisabled()).toBe(true)
    await page
      .getByRole('button', { name: /^Draw .* alone$/ })
      .nth(45)
      .click()
    await until('one line', async () => (await note.textContent())?.includes('1 of 50'))
    await closePage(opened)
  })

  it('says that nothing was found, and cancels what takes long', async () => {
    const opened = await open({ query: 'explore_no_such_metric' })
    const { page } = opened
    await page.getByTestId('query-empty').waitFor()
    // Never answered: the request ends with the page.
    await page.route('**/api/v1/query_range', () => {})
    await page.getByTestId('query-run').click()
    await page.getByTestId('query-status').filter({ hasText: 'Running' }).waitFor()
    await page.getByTestId('query-cancel').click()
    await page.getByTestId('query-run').waitFor()
    await page.unroute('**/api/v1/query_range')
    await page.getByTestId('range-24h').click()
    await page.getByTestId('query-status').filter({ hasText: '0 series' }).waitFor()
    await closePage(opened)
  })

  it('asks over two moments, and remembers the queries', async () => {
    const opened = await open({ query: QUEUE })
    const { page } = opened
    await page.getByTestId('range-custom').click()
    await page.getByTestId('range-to').fill('2020-01-01T00:00:00')
    await page.getByTestId('range-apply').click()
    await page.getByText('The end must be after the start.').waitFor()
    await page.getByTestId('range-from').fill('2019-12-31T00:00:00')
    await page.getByTestId('range-apply').click()
    await page.getByTestId('query-empty').waitFor()
    expect(page.url()).toContain('from=20')
    await typeQuery(page, '1 + 1')
    await page.getByTestId('query-run').click()
    await page.reload()
    await page.getByTestId('recent').selectOption({ label: '1 + 1' })
    await page.getByTestId('legend').waitFor()
    await closePage(opened)
  })

  it.each(['light', 'dark'] as const)('is readable in the %s theme', async (colorScheme) => {
    const opened = await open({ query: QUEUE })
    const { page } = opened
    await page.emulateMedia({ colorScheme })
    await page.getByTestId('legend').waitFor()
    await until('the lines', async () => (await coloursDrawn(page)) >= 3)
    const [text, ground] = await page.evaluate<[number[], number[]]>(`(() => {
      const host = document.querySelector('[data-testid=query-editor]')
      const content = host.shadowRoot.querySelector('.cm-content')
      const numbers = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
      return [
        numbers(getComputedStyle(content).color),
        numbers(getComputedStyle(host.parentElement).backgroundColor),
      ]
    })()`)
    const light = (rgb: number[]): number => rgb.reduce((sum, part) => sum + part, 0) / 3
    const isDarkOnLight = light(text) < light(ground)
    expect(isDarkOnLight).toBe(colorScheme === 'light')
    expect(Math.abs(light(text) - light(ground))).toBeGreaterThan(120)
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })
})

describe('the connect page', () => {
  it('copies a configuration with the key that it does not show', async () => {
    const opened = await open()
    const { page } = opened
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await untilConnected(page)
    await page.getByTestId('nav-connect').click()
    await page.getByTestId('connect-page').waitFor()
    await page.getByTestId('source-tab-prometheus').focus()
    for (const [source, address] of [
      ['opentelemetry', '/v1/metrics'],
      ['telegraf', 'outputs.influxdb_v2'],
      ['grafana', 'type: prometheus'],
      ['curl', '/api/v1/metrics'],
      ['llm', '/v1'],
      ['prometheus', '/api/v1/write'],
    ] as const) {
      await page.keyboard.press('ArrowRight')
      await page.locator(`[data-testid=source-tab-${source}][aria-selected=true]`).waitFor()
      const panel = page.getByTestId('source-panel')
      expect(await panel.textContent()).toContain(address)
      expect(await page.content()).not.toContain(key)
      await panel.getByRole('button', { name: /^Copy/ }).last().click()
      const copied = await page.evaluate<string>('navigator.clipboard.readText()')
      expect(copied).toContain(key)
      expect(copied).toContain(baseUrl)
      await page.getByTestId(`source-tab-${source}`).focus()
    }
    await page.getByTestId('arrivals').filter({ hasText: 'Samples are here' }).waitFor()
    await page.getByTestId('arrivals').getByRole('link', { name: 'Explore' }).click()
    await page.getByTestId('explore-page').waitFor()
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('waits for the first sample where there is none', async () => {
    const opened = await open()
    const { page } = opened
    let names: string[] = []
    await page.route('**/api/v1/label/__name__/values*', (route) =>
      route.fulfill({ json: { status: 'success', data: names } }),
    )
    await page.route('**/api/v1/dashboard*', (route) =>
      route.fulfill({ json: { vms: [], summary: null, next_cursor: null, generated_at: 0 } }),
    )
    await page.reload()
    await page.getByTestId('no-metrics').getByRole('link').click()
    await page.getByTestId('arrivals').filter({ hasText: 'Waiting for the first sample' }).waitFor()
    names = ['up']
    await page.getByTestId('arrivals').filter({ hasText: '1 metric' }).waitFor()
    await closePage(opened)
  })
})

describe('both on a phone', () => {
  it('do not scroll sideways', async () => {
    const size = { width: 390, height: 844 }
    const opened = await openExplore(browser, baseUrl, key, { query: QUEUE }, size)
    const { page } = opened
    const overflowPx = (): Promise<number> =>
      page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
    await page.getByTestId('legend').waitFor()
    expect(await overflowPx()).toBe(0)
    await page.getByTestId('nav-connect').click()
    await page.getByTestId('connect-page').waitFor()
    expect(await overflowPx()).toBe(0)
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })
})
