import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../../local/agent/options.ts'

const URL_ARGUMENTS = ['--url', 'http://127.0.0.1:8787']

describe('the command line of the agent', () => {
  it('takes the key from the environment, so that it need not stand in the process list', () => {
    const parsed = parseCommandLine(URL_ARGUMENTS, { GJALLAR_KEY: 'gjl_a' })
    expect(parsed).toEqual({
      ok: true,
      value: {
        url: 'http://127.0.0.1:8787',
        key: 'gjl_a',
        name: undefined,
        region: undefined,
        intervalMs: 1_000,
        diskPath: '/',
        untilStdinCloses: false,
      },
    })
  })

  it('prefers the key that is given', () => {
    const parsed = parseCommandLine([...URL_ARGUMENTS, '--key', 'gjl_b'], { GJALLAR_KEY: 'gjl_a' })
    expect(parsed.ok && parsed.value.key).toBe('gjl_b')
  })

  it.each([
    { args: [], says: '--url is missing' },
    { args: ['--url', 'gjallar'], says: 'http or https' },
    { args: ['--url', 'ftp://x'], says: 'http or https' },
    { args: URL_ARGUMENTS, says: 'GJALLAR_KEY' },
    { args: [...URL_ARGUMENTS, '--key', 'k', '--interval', 'often'], says: '--interval' },
    { args: [...URL_ARGUMENTS, '--key', 'k', '--interval', '1'], says: '--interval' },
    { args: [...URL_ARGUMENTS, '--key', 'k', '--verbose'], says: '--verbose' },
  ])('refuses $args with a reason', ({ args, says }) => {
    const parsed = parseCommandLine(args, {})
    expect(parsed.ok ? '' : parsed.error).toContain(says)
  })
})
