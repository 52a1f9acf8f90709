import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROBLEM_TITLES } from '../src/http/problem.ts'

const root = path.join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const sources = globSync('src/**/*.ts', { cwd: root })

/** Files that a source imports, relative to the root; packages are left out. */
const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/from '(\.[^']+)'/g)].map(([, target = '']) =>
    path.join(path.dirname(file), target),
  )

describe('the tree', () => {
  it('imports no routes from another domain, and app.ts from the entry alone', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => {
          const isRoutes = /routes\.ts$/.test(target)
          const isOwn = path.dirname(target) === path.dirname(file)
          if (target === 'src/app.ts') return file !== 'src/index.ts'
          return isRoutes && !isOwn && file !== 'src/app.ts'
        })
        .map((target) => `${file} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps kernels and the database free of what stands above them', () => {
    const above = {
      'src/kernels': /^src\/(?!kernels)/,
      'src/database': /^src\/(access|streams|compute)/,
    }
    const wrong = Object.entries(above).flatMap(([folder, forbidden]) =>
      sources
        .filter((file) => file.startsWith(folder))
        .flatMap((file) => importsOf(file).filter((target) => forbidden.test(target))),
    )
    expect(wrong).toEqual([])
  })

  it('keeps Hono and the platform out of pure code', () => {
    const pure = [
      'ingest',
      'minute-buffer',
      'health',
      'sharding',
      'shard-batch',
      'vm-series',
      'flush',
    ]
      .map((name) => `src/fleet/${name}.ts`)
      .concat('src/streams/protocol.ts', 'src/streams/tracker.ts', 'src/database/cursor.ts')
    const wrong = pure.filter((file) => /from '(hono|@hono|cloudflare:|node:)/.test(read(file)))
    expect(wrong).toEqual([])
  })

  it('has four places for each kernel family, and a row in the README for each export', () => {
    const families = [
      'reduce',
      'quantile',
      'histogram',
      'similarity',
      'elementwise',
      'rolling',
      'parse',
      'base64',
      'trees',
      'text',
      'routing',
      'snappy',
      'chunk',
      'windows',
      'series-identity',
      'remote-write',
    ]
    const missing = families.flatMap((family) =>
      [
        `assembly/${family}.ts`,
        `src/kernels/${family}.ts`,
        `test/kernels/${family}.test.ts`,
        `bench/kernels/${family}.bench.ts`,
      ].filter((file) => globSync(file, { cwd: root }).length === 0),
    )
    expect(missing).toEqual([])
    const exported = [...read('assembly/index.ts').matchAll(/export \{([^}]*)\}/g)].flatMap(
      ([, names = '']) => names.split(',').map((name) => name.trim().split(' as ').at(-1) ?? ''),
    )
    const page = read('assembly/README.md')
    expect(exported.filter((name) => name !== '' && !page.includes(`\`${name}\``))).toEqual([])
    expect(exported.length).toBeGreaterThan(10)
  })
})

describe('the documents', () => {
  it('name every problem type', () => {
    const page = read('docs/api.md')
    const missing = Object.keys(PROBLEM_TITLES).filter(
      (slug) => slug !== 'about:blank' && !page.includes(`| \`${slug}\` |`),
    )
    expect(missing).toEqual([])
  })

  it('list every dependency', () => {
    const page = read('docs/architecture.md')
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >
    const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) =>
        !name.startsWith('@types/') &&
        name !== '@cloudflare/workers-types' &&
        !page.includes(`\`${name}\``),
    )
    expect(missing).toEqual([])
  })

  it('have no broken links between them', () => {
    const broken = globSync(['*.md', 'docs/**/*.md', 'assembly/*.md'], { cwd: root }).flatMap(
      (file) =>
        [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
          .map(([, target = '']) => path.join(path.dirname(file), target))
          .filter((target) => globSync(target, { cwd: root }).length === 0)
          .map((target) => `${file} → ${target}`),
    )
    expect(broken).toEqual([])
  })
})

describe('the sources', () => {
  it('stay short', () => {
    const long = sources.filter((file) => read(file).split('\n').length > 320)
    expect(long).toEqual([])
  })

  it('hold no `any`, no non-null assertion and no leftover', () => {
    const leftover = /\bas any\b|: any\b|\bTODO\b|\bFIXME\b|\w!\.\w|\w\)!\B|debugger/
    const wrong = sources.flatMap((file) =>
      read(file)
        .split('\n')
        .map((line, number) => ({ line, at: `${file}:${number + 1}` }))
        .filter(({ line }) => leftover.test(line))
        .map(({ at }) => at),
    )
    expect(wrong).toEqual([])
  })
})
