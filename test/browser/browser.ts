import chromium from '@sparticuz/chromium'
import { type Browser, type Page, chromium as playwright } from 'playwright-core'

/**
 * Flags of the package that a person's browser does not have. With one process the browser ends with
 * its first page, and without web security the page's own policy would go untested.
 */
const UNUSUAL_FLAGS = new Set([
  '--single-process',
  '--no-zygote',
  '--disable-web-security',
  '--allow-running-insecure-content',
])

/** A real Chromium without a window; it comes with an npm package, so nothing is to be installed. */
export const launchBrowser = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((argument) => !UNUSUAL_FLAGS.has(argument)),
    headless: true,
  })

export interface OpenPage {
  page: Page
  /** What the page wrote as an error, and the exceptions that nobody caught. */
  errors: string[]
}

/** A page in a context of its own: no storage of an earlier one. */
export const openPage = async (
  browser: Browser,
  url: string,
  viewport = { width: 1_440, height: 900 },
): Promise<OpenPage> => {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(url)
  return { page, errors }
}

export const closePage = ({ page }: OpenPage): Promise<void> => page.context().close()

/** Waits for the page to say that what it shows is live. */
export const untilConnected = (page: Page, timeoutMs = 20_000): Promise<void> =>
  page
    .getByTestId('connection-state')
    .filter({ hasText: 'Connected' })
    .waitFor({ timeout: timeoutMs })

/** Names of the rows on screen, from the top. */
export const rowNames = async (page: Page): Promise<string[]> => {
  const rows = await page.getByTestId('vm-row').evaluateAll((elements) =>
    elements.map((element) => ({
      index: Number(element.getAttribute('data-index')),
      name: element.getAttribute('data-vm-name') ?? '',
    })),
  )
  return rows.sort((a, b) => a.index - b.index).map((row) => row.name)
}
