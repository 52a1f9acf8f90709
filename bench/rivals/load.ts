import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const FOLDER = import.meta.dirname
const INSTALL_MS = 120_000

/** npm leaves this file behind a complete installation. */
const RECORD = path.join(FOLDER, 'node_modules', '.package-lock.json')

const isInstalled = (): boolean =>
  existsSync(RECORD) &&
  statSync(RECORD).mtimeMs >= statSync(path.join(FOLDER, 'package-lock.json')).mtimeMs

/** Why they could not be installed; undefined where they are there. */
const install = (log: (text: string) => void): string | undefined => {
  if (isInstalled()) return undefined
  log('installing what ours is measured against (bench/rivals)')
  try {
    // Their install scripts would compile what comes compiled; what is optional are their own benches.
    execFileSync('npm', ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: 'pipe',
      timeout: INSTALL_MS,
    })
    return undefined
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    const line = said.split('\n').find((text) => /error/i.test(text)) ?? 'npm ci failed'
    return `not installed: ${line.trim()}`
  }
}

/** Gives a package of bench/rivals. */
export type Load = <T>(name: string) => T

/** Installs the rivals on the first run. The function that it gives throws where that failed. */
export const rivals = (log: (text: string) => void): Load => {
  const failure = install(log)
  const require = createRequire(path.join(FOLDER, 'package.json'))
  return <T>(name: string): T => {
    if (failure !== undefined) throw new Error(failure)
    return require(name) as T
  }
}
