import { describe, expect, it } from 'vitest'
import { makeDevelopmentKey, parseLocalSettings } from '../../local/settings.ts'

describe('the environment of npm start', () => {
  it('has a default for everything', () => {
    expect(parseLocalSettings([], {}, '/project')).toEqual({
      ok: true,
      value: {
        port: 8787,
        stateFolder: '/project/.gjallar',
        developmentKey: null,
        databaseUrl: null,
        agent: true,
        development: false,
        followParent: false,
        workerSettings: {},
        providerKeys: {},
      },
    })
  })

  it('takes every value that is given, and passes settings to the worker by name', () => {
    const environment = {
      PORT: '9000',
      GJALLAR_STATE: '/elsewhere',
      GJALLAR_DEV_KEY: 'gjl_dev_0123456789',
      DATABASE_URL: 'postgres://user:secret@db:5433/fleet',
      GJALLAR_AGENT: 'off',
      GJALLAR_SETTING_FLUSH_INTERVAL_MS: '60000',
      npm_lifecycle_event: 'start',
      OPENAI_API_KEY: ' sk-secret\n',
      ANTHROPIC_API_KEY: '',
    }
    expect(parseLocalSettings(['--dev'], environment, '/project')).toEqual({
      ok: true,
      value: {
        port: 9000,
        stateFolder: '/elsewhere',
        developmentKey: 'gjl_dev_0123456789',
        databaseUrl: 'postgres://user:secret@db:5433/fleet',
        agent: false,
        development: true,
        followParent: true,
        workerSettings: { FLUSH_INTERVAL_MS: '60000' },
        providerKeys: { OPENAI_API_KEY: 'sk-secret' },
      },
    })
  })

  it.each([
    { environment: { PORT: 'http' }, says: 'PORT' },
    { environment: { PORT: '0' }, says: 'PORT' },
    { environment: { PORT: '65536' }, says: 'PORT' },
    { environment: { DATABASE_URL: 'mysql://x/y' }, says: 'DATABASE_URL' },
    { environment: { GJALLAR_DEV_KEY: 'short' }, says: 'GJALLAR_DEV_KEY' },
    { environment: { GJALLAR_AGENT: 'maybe' }, says: 'GJALLAR_AGENT' },
  ])('refuses $environment naming the variable', ({ environment, says }) => {
    const parsed = parseLocalSettings([], environment, '/project')
    expect(parsed.ok ? '' : parsed.error).toContain(says)
  })

  it('refuses an argument it does not know', () => {
    const parsed = parseLocalSettings(['--port'], {}, '/project')
    expect(parsed.ok ? '' : parsed.error).toContain('--port')
  })
})

describe('a development key', () => {
  it('is long, printable and never the same', () => {
    expect(makeDevelopmentKey()).toMatch(/^gjl_dev_[\w-]{43}$/)
    expect(makeDevelopmentKey()).not.toBe(makeDevelopmentKey())
  })
})
