import type { Browser, Page } from 'playwright-core'
import type { Api } from '../support/api.ts'
import { askChat } from '../support/gateway-chat.ts'
import type { MockControl } from '../support/mock-llm.ts'
import { until } from '../support/until.ts'
import { type OpenPage, openPage } from './browser.ts'

export const NAMED = 'anthropic/claude-haiku-4-5'
export const FAILING = 'openai/gpt-4.1-mini'
/** Requests whose model the router chooses. */
export const ROUTED = 5

interface RequestList {
  requests: { outcome: string; provider: string; model: string; bucket: string | null }[]
}

/** Chats that are routed, one whose model is named, and one that fails; resolves once they are kept. */
export const sendChats = async (api: Api, mock: MockControl): Promise<void> => {
  const ask = (model: string, isStream: boolean) =>
    askChat(api, { dialect: 'openai', model, isStream })
  for (let i = 0; i < ROUTED; i++) await ask(i % 2 === 0 ? 'auto' : 'gjallar/hard', i % 2 === 0)
  await ask(NAMED, false)
  await mock.faults({ rate: 1, seed: 42, kinds: ['server-error'] })
  try {
    await ask(FAILING, false)
  } finally {
    await mock.reset()
  }
  await until('the requests to be kept', async () => {
    const { requests } = await api.json<RequestList>('/api/v1/llm/requests?limit=100')
    const kept = requests.filter(({ bucket }) => bucket !== null).length
    return kept >= ROUTED && requests.some(({ outcome }) => outcome === 'error')
  })
}

/** A page of the gateway or the router as a shared address opens it; the key travels in the fragment. */
export const openLlm = async (
  browser: Browser,
  baseUrl: string,
  key: string,
  address: string,
  viewport?: { width: number; height: number },
): Promise<OpenPage> => {
  const opened = await openPage(browser, `${baseUrl}/#key=${key}&${address}`, viewport)
  const name = address.startsWith('/gateway') ? 'gateway-page' : 'routing-page'
  await opened.page.getByTestId(name).waitFor()
  return opened
}

/** What a person with a screen reader would miss: controls, tables and landmarks without a name. */
export const nameless = (page: Page): Promise<string[]> =>
  page.evaluate<string[]>(`(() => {
    const named = (element) =>
      element.getAttribute('aria-label') || element.getAttribute('aria-labelledby') ||
      element.labels?.[0]?.textContent || element.textContent.trim() || element.title
    const controls = [...document.querySelectorAll('button, a, input, select, textarea')]
    const tables = [...document.querySelectorAll('main table')].filter((table) =>
      [...table.querySelectorAll('th')].some((cell) => !cell.hasAttribute('scope')))
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
    const broken = [...document.querySelectorAll('[aria-labelledby], [aria-controls], label[for]')]
      .flatMap((element) => ['aria-labelledby', 'aria-controls', 'for'].flatMap((name) =>
        (element.getAttribute(name) ?? '').split(' ').filter((id) => id !== '' && !ids.includes(id))))
    return [
      ...controls.filter((element) => !named(element)).map((element) => element.outerHTML),
      ...tables.map((table) => table.outerHTML.slice(0, 200)),
      ...broken.map((id) => 'names no element: ' + id),
      ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => 'twice: ' + id),
      ...(document.querySelectorAll('h1').length === 1 ? [] : ['not one h1']),
    ]
  })()`)

export const overflowPx = (page: Page): Promise<number> =>
  page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
