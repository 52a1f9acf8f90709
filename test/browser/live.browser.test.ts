import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { childrenOf } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { closePage, launchBrowser, type OpenPage, openPage, untilConnected } from './browser.ts'

const AGENT = path.join(import.meta.dirname, '..', '..', 'local', 'agent', 'main.ts')
const baseUrl = inject('baseUrl')
const key = inject('developmentKey')
const NAME = 'this-machine'

let browser: Browser
let opened: OpenPage
let agent: ChildProcess
beforeAll(async () => {
  // The real agent on the real machine; standard input closes with this process.
  agent = spawn(
    process.execPath,
    [AGENT, '--url', baseUrl, '--name', NAME, '--until-stdin-closes'],
    { stdio: ['pipe', 'ignore', 'inherit'], env: { ...process.env, GJALLAR_KEY: key } },
  )
  browser = await launchBrowser()
  opened = await openPage(browser, `${baseUrl}/#key=${key}`)
  await untilConnected(opened.page)
})
afterAll(async () => {
  agent?.kill('SIGTERM')
  await browser?.close()
})

/** What a row tells of the machine now; its age, which the page counts by itself, is left out. */
const rowValues = (page: Page, row: string) => (): Promise<string> =>
  textOf(page.locator(`${row} :is([data-testid=cpu-value], .c-memory, .c-network, .c-iops)`))
const vmValues = (page: Page) => (): Promise<string> =>
  textOf(page.locator('[data-testid=vm-page] .now .figure'))
const textOf = async (cells: Locator): Promise<string> => (await cells.allTextContents()).join(' ')

/** Waits until there are numbers and then other numbers; a busy processor alone may stand at 100. */
const changes = async (read: () => Promise<string>, timeoutMs: number): Promise<void> => {
  const first = await until(
    'a first value',
    async () => /\d/.test(await read()) && read(),
    timeoutMs,
  )
  await until(`another value than ${first}`, async () => (await read()) !== first, timeoutMs)
}

describe('the live page', () => {
  const row = `[data-testid=vm-row][data-vm-name=${NAME}]`

  it('shows this machine, and its values change within 10 s', async () => {
    await opened.page.locator(row).waitFor({ timeout: 10_000 })
    await changes(rowValues(opened.page, row), 10_000)
    expect(opened.errors).toEqual([])
  })

  it('shows a VM with charts that move and the percentiles of 24 h', async () => {
    const { page, errors } = opened
    await page.locator(`${row} a`).click()
    const vmPage = page.getByTestId('vm-page')
    await vmPage.waitFor()
    const canvas = vmPage.locator('canvas').first()
    await canvas.waitFor()
    const picture = async (): Promise<string> => (await canvas.screenshot()).toString('base64')
    const before = await picture()
    await until('the chart to move', async () => (await picture()) !== before, 10_000)
    await changes(vmValues(page), 10_000)
    expect(await vmPage.textContent()).toMatch(/p95/i)
    expect(errors).toEqual([])
    await page.goBack()
    await page.locator(row).waitFor()
  })

  it('says that it reconnects when the worker is killed, and is live again by itself', async () => {
    const { page } = opened
    const children = childrenOf(inject('stateFolder'))
    const state = page.getByTestId('connection-state')
    const killed = await children.kill('worker', 'SIGKILL')
    await until(
      'the page to notice',
      async () => !(await state.textContent())?.includes('Connected'),
      10_000,
    )
    await children.restarted('worker', killed)
    await untilConnected(page, 30_000)
    await changes(rowValues(page, row), 15_000)
    // The browser itself writes an error for each attempt to connect that is refused; the page none.
    const own = opened.errors.filter(
      (text) => !/WebSocket connection to|Failed to load resource|ERR_CONNECTION/.test(text),
    )
    expect(own).toEqual([])
    await closePage(opened)
  })
})
