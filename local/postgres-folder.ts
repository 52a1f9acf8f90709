import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Binaries, type OsUser, SHARED_FOLDER } from './postgres-binaries.ts'

/** What is kept beside the data: without the password nobody gets in, without the port clients must be told a new one. */
export interface ServerRecord {
  readonly dataFolder: string
  readonly password: string
  readonly port: number
}

const RECORD_FILE = 'postgres.json'
const SUPPORTED_VERSION = '18'

/**
 * The data folder of a state folder, made on first use by `initdb`: as a whole or not at all.
 *
 * @throws Error that names the folder: not writable, full, of another PostgreSQL version, or without
 *   its password
 */
export const openDataFolder = async (
  stateFolder: string,
  binaries: Binaries,
  user: OsUser | null,
  log: (text: string) => void,
): Promise<ServerRecord> => {
  try {
    await mkdir(stateFolder, { recursive: true })
    const record = await readRecord(stateFolder)
    if (record !== null && (await exists(path.join(record.dataFolder, 'PG_VERSION')))) {
      await checkVersion(record.dataFolder)
      return record
    }
    const dataFolder = await chooseDataFolder(stateFolder, user, log)
    if (await exists(path.join(dataFolder, 'PG_VERSION'))) {
      throw new Error(
        `${dataFolder} holds a database, but ${RECORD_FILE} with its password is gone: put it back, or remove the folder to start empty`,
      )
    }
    const password = record?.password ?? randomBytes(24).toString('base64url')
    const fresh = { dataFolder, password, port: record?.port ?? 0 }
    await writeRecord(stateFolder, fresh)
    await initialise(dataFolder, password, binaries, user)
    return fresh
  } catch (error) {
    throw explain(error, stateFolder)
  }
}

export const writeRecord = async (stateFolder: string, record: ServerRecord): Promise<void> => {
  const file = path.join(stateFolder, RECORD_FILE)
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Names the folder in errors of the file system, which alone would only say "EROFS". */
export const explain = (error: unknown, folder: string): Error => {
  const { code, message } = error as NodeJS.ErrnoException
  const reason =
    code === 'EROFS' || /read-only file system/i.test(message)
      ? 'is on a read-only file system'
      : code === 'ENOSPC' || /no space left on device|disk quota exceeded/i.test(message)
        ? 'is on a full disk'
        : code === 'EACCES' || code === 'EPERM' || /permission denied/i.test(message)
          ? 'may not be written by this user'
          : null
  if (reason === null) return error instanceof Error ? error : new Error(String(error))
  const lines = message.trim().split('\n')
  const line = lines.find((text) => /space|quota|read-only|permi/i.test(text)) ?? lines[0]
  return new Error(`the state folder ${folder} ${reason}: ${line}`, { cause: error })
}

const readRecord = async (stateFolder: string): Promise<ServerRecord | null> => {
  const text = await readFile(path.join(stateFolder, RECORD_FILE), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as ServerRecord)
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )

const checkVersion = async (dataFolder: string): Promise<void> => {
  const version = (await readFile(path.join(dataFolder, 'PG_VERSION'), 'utf8')).trim()
  if (version === SUPPORTED_VERSION) return
  throw new Error(
    `${dataFolder} was written by PostgreSQL ${version}, and this is ${SUPPORTED_VERSION}: dump it with the old version, or remove the folder to start empty`,
  )
}

/** Within the state folder, unless the server's user cannot get there. */
const chooseDataFolder = async (
  stateFolder: string,
  user: OsUser | null,
  log: (text: string) => void,
): Promise<string> => {
  const inside = path.join(stateFolder, 'postgres')
  if (user === null || canEnter(stateFolder, user)) return inside
  await mkdir(SHARED_FOLDER, { recursive: true, mode: 0o755 })
  const outside = path.join(SHARED_FOLDER, `data-${randomBytes(6).toString('hex')}`)
  log(`the database lies in ${outside}: the OS user "postgres" cannot enter ${stateFolder}`)
  return outside
}

const canEnter = (folder: string, user: OsUser): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd -- "$0"', folder], { cwd: '/', ...user }).status === 0

/** Superuser `gjallar`, passwords required, byte order of texts. Atomic: a rename puts the folder in place. */
const initialise = async (
  dataFolder: string,
  password: string,
  { initdb }: Binaries,
  user: OsUser | null,
): Promise<void> => {
  const staging = `${dataFolder}.new`
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  // initdb wants an empty folder, so the password reaches it by a descriptor.
  const passwordFile = `${staging}.password`
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (user !== null) {
    await chown(staging, user.uid, user.gid)
    await chown(passwordFile, user.uid, user.gid)
  }
  try {
    const { status, stderr, error } = spawnSync(
      initdb,
      [
        '--pgdata',
        staging,
        '--username',
        'gjallar',
        '--pwfile',
        passwordFile,
        '--auth',
        'scram-sha-256',
        '--encoding',
        'UTF8',
        '--no-locale',
        '--no-instructions',
        // The one fsync below costs less than initdb's of every file.
        '--no-sync',
      ],
      { encoding: 'utf8', cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC' }, ...user },
    )
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`initdb failed: ${stderr.trim()}`)
    spawnSync('sync', ['-f', staging])
    await rename(staging, dataFolder)
    await chmod(dataFolder, 0o700)
    await syncFolder(path.dirname(dataFolder))
  } finally {
    await rm(passwordFile, { force: true })
    await rm(staging, { recursive: true, force: true })
  }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
