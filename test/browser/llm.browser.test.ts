import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { createMockControl } from '../support/mock-llm.ts'
import { until } from '../support/until.ts'
import { closePage, launchBrowser } from './browser.ts'
import { focusedId, ownErrors } from './explore.ts'
import { FAILING, NAMED, nameless, openLlm, overflowPx, ROUTED, sendChats } from './llm.ts'

const baseUrl = inject('baseUrl')
const key = inject('developmentKey')
const api = createApi(baseUrl, key)

/** As the page has it. */
const POLL_MS = 5_000

let browser: Browser
beforeAll(async () => {
  await sendChats(api, createMockControl(inject('mockUrl')))
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

const open = (address: string) => openLlm(browser, baseUrl, key, address)

describe('the page of the gateway', () => {
  it('lists requests with model, bucket, tokens, cost, latency and outcome', async () => {
    const opened = await open('/gateway')
    const { page } = opened
    await page.getByTestId('requests').waitFor()
    const failed = page.locator('[data-testid=request-row][data-outcome=error]').first()
    expect(await failed.textContent()).toMatch(/error/)
    const named = page.getByTestId('request-row').filter({ hasText: NAMED }).first()
    expect(await named.textContent()).toMatch(/→.*\$0\.0.*ms.*ok/)
    const routed = page.getByTestId('request-row').filter({ hasText: 'asked for gjallar/hard' })
    expect(await routed.first().textContent()).toContain('hard')
    expect(await page.getByTestId('total-spend').textContent()).toMatch(/\$0\.0/)
    expect(await page.title()).toBe('Gateway · Gjallar')
    expect(await nameless(page)).toEqual([])
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('narrows the list by outcome and by model, in its address', async () => {
    const opened = await open('/gateway')
    const { page } = opened
    await page.getByTestId('filter-outcome').selectOption('error')
    await until('the failed ones alone', async () => {
      const outcomes = await page
        .getByTestId('request-row')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-outcome')))
      return outcomes.length > 0 && outcomes.every((outcome) => outcome === 'error')
    })
    expect(page.url()).toContain('outcome=error')
    await page.getByTestId('filter-model').fill('no/such-model')
    await page.keyboard.press('Enter')
    await page.getByTestId('no-requests-match').getByRole('button').click()
    await page.getByTestId('request-row').filter({ hasText: NAMED }).first().waitFor()
    await page.goBack()
    await page.getByTestId('no-requests-match').waitFor()
    await closePage(opened)
  })

  it('shows what comes while it is open, and stands still when asked', async () => {
    const opened = await open(`/gateway?model=${encodeURIComponent('google/gemini-2.5-pro')}`)
    const { page } = opened
    await page.getByTestId('no-requests-match').or(page.getByTestId('requests')).waitFor()
    const before = await page.getByTestId('request-row').count()
    await api.post('/v1/chat/completions', {
      model: 'google/gemini-2.5-pro',
      max_tokens: 20,
      messages: [{ role: 'user', content: 'Are you there?' }],
    })
    await until('the new row', async () => {
      return (await page.getByTestId('request-row').count()) > before
    })
    await page.getByTestId('live').click()
    expect(await page.getByTestId('live').getAttribute('aria-pressed')).toBe('false')
    await closePage(opened)
  })

  it('does NOT ask while nobody sees it, and asks at once when it is seen again', async () => {
    const opened = await open('/gateway?view=providers')
    const { page } = opened
    await page.getByTestId('providers').waitFor()
    const hide = (isHidden: boolean) =>
      page.evaluate<void>(`(() => {
        Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      })()`)
    let asked = 0
    await page.route('**/api/v1/llm/providers', (route) => {
      asked++
      return route.continue()
    })
    await hide(true)
    await page.waitForTimeout(POLL_MS + 1_000)
    expect(asked).toBe(0)
    await hide(false)
    await until('a question', () => asked > 0)
    await closePage(opened)
  })

  it('draws the spend, and says it in figures', async () => {
    const opened = await open('/gateway?view=spend')
    const { page } = opened
    await page.locator('[data-testid=spend-chart] canvas').waitFor()
    const models = page.getByTestId('spend-row')
    await models.filter({ hasText: NAMED }).waitFor()
    await page.getByTestId('by-key').click()
    await models.filter({ hasText: 'development' }).waitFor()
    expect(page.url()).toContain('by=key')
    expect(await nameless(page)).toEqual([])
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('shows the health of providers, marks mocks, and counts faults', async () => {
    const opened = await open('/gateway?view=providers')
    const { page } = opened
    const provider = page.getByTestId(`provider-${FAILING.split('/')[0]}`)
    await provider.waitFor()
    expect(await provider.textContent()).toMatch(/mock.*closed.*\d+ server/s)
    expect(await nameless(page)).toEqual([])
    await page.getByTestId('gateway-tab-keys').click()
    await page.getByTestId('key-row').filter({ hasText: 'development' }).waitFor()
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('says why there is nothing, and asks again by hand', async () => {
    const opened = await open('/gateway')
    const { page } = opened
    let isDown = true
    await page.route('**/api/v1/llm/requests*', (route) =>
      isDown
        ? route.fulfill({ status: 503, json: { title: 'Not ready', detail: 'no database' } })
        : route.fulfill({ json: { requests: [], nextCursor: null } }),
    )
    await page.reload()
    const failure = page.getByTestId('read-failure')
    await failure.waitFor()
    expect(await failure.textContent()).toContain('No database')
    isDown = false
    await failure.getByRole('button').click()
    const empty = page.getByTestId('llm-empty')
    await empty.waitFor()
    expect(await empty.textContent()).toContain(`${baseUrl}/v1`)
    expect(await empty.textContent()).not.toContain(key)
    await closePage(opened)
  })
})

describe('the page of the router', () => {
  it('counts decisions by bucket and model, and what they saved', async () => {
    const opened = await open('/routing')
    const { page } = opened
    await page.getByTestId('buckets').waitFor()
    const decisions = Number.parseInt(
      (await page.getByTestId('decisions').locator('.figure').textContent()) ?? '',
      10,
    )
    expect(decisions).toBeGreaterThanOrEqual(ROUTED)
    expect(await page.getByTestId('savings').textContent()).toMatch(/\$0\.0.*%/s)
    expect(await page.getByTestId('buckets').textContent()).toContain('hard')
    expect(await page.getByTestId('models').textContent()).toMatch(/ms · .*ms · /)
    await page.getByTestId('range-7d').click()
    await until('the range', () => page.url().includes('range=7d'))
    expect(await nameless(page)).toEqual([])
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('explains a request that was tried by keyboard alone', async () => {
    const opened = await open('/routing')
    const { page } = opened
    await page.getByTestId('routing-tab-decisions').focus()
    await page.keyboard.press('ArrowRight')
    await until('the tab', async () => (await focusedId(page)) === 'routing-tab-try')
    await until('the field', async () => {
      await page.keyboard.press('Tab')
      return (await focusedId(page)) === 'try-text'
    })
    await page.keyboard.type('Prove that there are infinitely many primes.')
    await page.keyboard.press('Tab')
    await page.keyboard.press('End')
    expect(await page.getByTestId('alpha-value').textContent()).toBe('1.00')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Control+Enter')
    const explanation = page.getByTestId('explanation')
    await explanation.waitFor()
    const chosen = await page.getByTestId('chosen').textContent()
    const best = page.locator('[data-testid=scores] tr[aria-current=true] th')
    expect(await best.textContent()).toContain(chosen)
    expect(await page.getByTestId('probabilities').textContent()).toMatch(/%.*%.*%/s)
    expect(await explanation.textContent()).toContain('A new one: no model holds')
    expect(await nameless(page)).toEqual([])
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('says what is wrong with a body, here and there', async () => {
    const opened = await open('/routing?view=try')
    const { page } = opened
    const fault = page.getByTestId('try-fault')
    await page.getByTestId('try-run').click()
    await fault.filter({ hasText: 'Write a request first' }).waitFor()
    await page.getByTestId('mode-json').click()
    await page.getByTestId('try-text').fill('{"messages":')
    await page.getByTestId('try-run').click()
    await fault.filter({ hasText: 'not JSON' }).waitFor()
    await page.getByTestId('try-text').fill('{"messages":[]}')
    await page.getByTestId('try-run').click()
    await fault.filter({ hasText: 'messages' }).waitFor()
    // Images rule out what does not see.
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }
    const body = { model: 'auto', messages: [{ role: 'user', content: [image] }] }
    await page.getByTestId('try-text').fill(JSON.stringify(body))
    await page.getByTestId('try-run').click()
    await page.getByTestId('excluded').filter({ hasText: 'it sees no images' }).waitFor()
    expect(await fault.textContent()).toBe('')
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('tells the artifact apart and ends a trial only when that is confirmed', async () => {
    const path = '/api/v1/router/artifact'
    const headers = { 'content-type': 'application/octet-stream' }
    const file = await api.request(path, { headers: { accept: headers['content-type'] } })
    const body = await file.arrayBuffer()
    await api.json(`${path}?canary=0.1`, { method: 'PUT', headers, body })
    const opened = await open('/routing?view=artifact')
    const { page } = opened
    try {
      const { version } = await api.json<{ version: string }>(path)
      const shown = page.getByTestId('artifact').getByTestId('artifact-version')
      expect(await shown.textContent()).toBe(version.slice(0, 10))
      expect(await shown.getAttribute('title')).toBe(version)
      expect(await page.getByTestId('quality').textContent()).toMatch(/APGR.*\[0\.\d+, 0\.\d+\]/s)
      await page.getByTestId('canary').filter({ hasText: '10.0 % of conversations' }).waitFor()
      expect(await nameless(page)).toEqual([])
      await page.getByTestId('discard').click()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByTestId('discard').click()
      await page.getByTestId('confirm').click()
      await page.getByTestId('canary-message').filter({ hasText: 'Discarded.' }).waitFor()
      await page.getByTestId('canary').filter({ hasText: 'No artifact is tried' }).waitFor()
      expect(ownErrors(opened)).toEqual([])
    } finally {
      await api.request(`${path}/discard`, { method: 'POST' })
    }
    await closePage(opened)
  })
})

describe('both', () => {
  it.each([
    '/gateway',
    '/gateway?view=spend',
    '/gateway?view=providers',
    '/gateway?view=keys',
    '/routing',
    '/routing?view=try',
    '/routing?view=artifact',
  ])('%s does not scroll sideways on a phone', async (address) => {
    const opened = await openLlm(browser, baseUrl, key, address, { width: 390, height: 844 })
    const { page } = opened
    await page.locator('[role=tabpanel] :is(table, form)').first().waitFor()
    expect(await overflowPx(page)).toBe(0)
    expect(ownErrors(opened)).toEqual([])
    await closePage(opened)
  })

  it('are reached from the top bar, and load their code only then', async () => {
    const opened = await openLlm(browser, baseUrl, key, '/routing?view=try')
    const { page } = opened
    const loaded = (): Promise<string[]> =>
      page.evaluate<string[]>('performance.getEntriesByType("resource").map((entry) => entry.name)')
    expect((await loaded()).some((name) => name.includes('gateway-page'))).toBe(false)
    await page.getByTestId('nav-gateway').click()
    await page.getByTestId('gateway-page').waitFor()
    expect(await page.getByTestId('nav-gateway').getAttribute('aria-current')).toBe('page')
    expect((await loaded()).some((name) => name.includes('gateway-page'))).toBe(true)
    await closePage(opened)
  })
})
