import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { until } from '../support/until.ts'
import {
  closePage,
  launchBrowser,
  type OpenPage,
  openPage,
  rowNames,
  untilConnected,
} from './browser.ts'

const baseUrl = inject('baseUrl')
const key = inject('developmentKey')

/** Names sort as people expect; the processor's load runs against the names. */
const FLEET = [
  { name: 'web-1', status: 'running', cpu_usage: 20, memory_usage: 30 },
  { name: 'web-2', status: 'running', cpu_usage: 96, memory_usage: 40 },
  { name: 'web-10', status: 'running', cpu_usage: 55, memory_usage: 95 },
  { name: 'db-1', status: 'stopped', cpu_usage: null, memory_usage: null },
]
const NAMES = FLEET.map(({ name }) => name)

let browser: Browser
let opened: OpenPage
beforeAll(async () => {
  const api = createApi(baseUrl, key)
  const samples = []
  for (const { name, status, cpu_usage, memory_usage } of FLEET) {
    const size = { cpu_cores: 2, memory_mb: 2_048, disk_gb: 20 }
    const response = await api.request('/api/v1/vms', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, status, ...size }),
    })
    // 409: another file of this project made it on the same stack.
    expect([201, 409]).toContain(response.status)
    if (cpu_usage !== null)
      samples.push({ vm: name, timestamp: Date.now(), cpu_usage, memory_usage })
  }
  await api.post('/api/v1/metrics', { samples })
  browser = await launchBrowser()
})
afterAll(() => browser?.close())
beforeEach(async () => {
  opened = await openPage(browser, `${baseUrl}/#key=${key}`)
  await untilConnected(opened.page)
  await until('the rows', async () => (await rowNames(opened.page)).length >= NAMES.length)
})
afterEach(() => closePage(opened))

/** The rows of this file's fleet, in the order of the page. */
const shown = async (): Promise<string[]> =>
  (await rowNames(opened.page)).filter((name) => NAMES.includes(name))

const untilShown = (names: string[]): Promise<unknown> =>
  until(`the rows ${names}`, async () => (await shown()).join() === names.join(), 10_000)

describe('the fleet page', () => {
  it('shows every VM with its state, and nothing in the console', async () => {
    const { page, errors } = opened
    const row = page.locator('[data-testid=vm-row][data-vm-name=web-2]')
    await until('the value of web-2', async () =>
      (await row.getByTestId('cpu-value').textContent())?.includes('96'),
    )
    expect(await row.textContent()).toContain('running')
    expect(await page.getByTestId('summary').textContent()).toMatch(/\d/)
    expect(errors).toEqual([])
  })

  it('takes the key out of the address', async () => {
    expect(opened.page.url()).not.toContain(key)
  })

  it('sorts by name as people count, and back', async () => {
    const { page } = opened
    await page.getByTestId('sort-name').click()
    await untilShown(['db-1', 'web-1', 'web-2', 'web-10'])
    await page.getByTestId('sort-name').click()
    await untilShown(['web-10', 'web-2', 'web-1', 'db-1'])
    const header = page.locator('th', { has: page.getByTestId('sort-name') })
    expect(await header.getAttribute('aria-sort')).toBe('descending')
  })

  it('sorts by load, with VMs that never reported last', async () => {
    const { page } = opened
    await page.getByTestId('sort-cpu').click()
    await untilShown(['web-2', 'web-10', 'web-1', 'db-1'])
    await page.getByTestId('sort-cpu').click()
    await untilShown(['web-1', 'web-10', 'web-2', 'db-1'])
  })

  it('filters by name, by status and by health', async () => {
    const { page } = opened
    await page.getByTestId('filter-name').fill('WEB-1')
    await page.getByTestId('sort-name').click()
    await untilShown(['web-1', 'web-10'])
    await page.getByTestId('filter-name').fill('')
    await page.getByTestId('filter-status').selectOption('stopped')
    await untilShown(['db-1'])
    await page.getByTestId('filter-status').selectOption('running')
    await page.getByTestId('filter-health').selectOption('100')
    await untilShown(['web-1'])
    await page.getByTestId('filter-name').fill('no such VM')
    await untilShown([])
  })

  it('opens a VM by keyboard and comes back', async () => {
    const { page } = opened
    await page.getByTestId('filter-name').fill('web-2')
    await untilShown(['web-2'])
    await page.getByTestId('fleet-table').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByTestId('vm-page').waitFor()
    await page.goBack()
    await untilShown(['web-2'])
  })

  it('changes between light and dark', async () => {
    const { page } = opened
    const background = (): Promise<string> =>
      page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const before = await background()
    for (let clicks = 0; clicks < 3 && (await background()) === before; clicks++) {
      await page.getByTestId('theme-toggle').click()
    }
    expect(await background()).not.toBe(before)
  })
})

describe('the page without a key', () => {
  it('takes the local stack’s key on a loopback address', async () => {
    const local = await openPage(browser, baseUrl)
    await untilConnected(local.page)
    expect(local.errors).toEqual([])
    await closePage(local)
  })

  it('asks for one when the given one is refused', async () => {
    const refused = await openPage(browser, 'about:blank')
    await refused.page.route('**/local/session', (route) =>
      route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{}' }),
    )
    await refused.page.goto(`${baseUrl}/#key=gjl_no_such_key`)
    await refused.page.getByTestId('key-form').waitFor()
    await refused.page.getByTestId('key-form').locator('input').first().fill(key)
    await refused.page.keyboard.press('Enter')
    await untilConnected(refused.page)
    await closePage(refused)
  })
})

describe('the page on a phone', () => {
  it.each([
    { place: 'the fleet', hash: '' },
    { place: 'a VM', hash: 'web-1' },
  ])('shows $place without scrolling sideways', async ({ hash }) => {
    const phone = await openPage(browser, `${baseUrl}/#key=${key}`, { width: 390, height: 844 })
    await untilConnected(phone.page)
    if (hash !== '') {
      await phone.page.locator(`[data-vm-name=${hash}] a`).click()
      await phone.page.getByTestId('vm-page').waitFor()
      await phone.page.locator('[data-testid=vm-page] canvas').first().waitFor()
    }
    const overflowPx = await phone.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    expect(overflowPx).toBe(0)
    expect(phone.errors).toEqual([])
    await closePage(phone)
  })
})
