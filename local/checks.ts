import { randomUUID } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'

/** A reason not to start that the person can do something about; its message says what. */
export class CannotStart extends Error {
  override name = 'CannotStart'
}

/** A fresh database with its write-ahead log takes 80 MiB, a day of one VM's samples 20 MiB. */
export const FREE_BYTES_MIN = 256 * 1024 * 1024
const MEBIBYTE = 1024 * 1024

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a file stands in its place'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there'
    case 'EROFS':
      return 'the filesystem is read-only'
    case 'ENOSPC':
      return 'the filesystem is full'
    default:
      return message
  }
}

/**
 * Makes the state folder and proves that it can be written and has room.
 *
 * @returns free bytes
 * @throws CannotStart naming the folder and GJALLAR_STATE
 */
export const checkStateFolder = async (folder: string): Promise<number> => {
  const elsewhere = 'Choose another folder: GJALLAR_STATE=/path/to/folder npm start'
  const probe = path.join(folder, `.probe-${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, 'written to see whether this folder can be written')
    await rm(probe)
  } catch (error) {
    await rm(probe, { force: true }).catch(() => {})
    throw new CannotStart(
      `The state folder ${folder} cannot be used: ${reasonOf(error)}. ${elsewhere}`,
    )
  }
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  if (freeBytes < FREE_BYTES_MIN) {
    const free = Math.floor(freeBytes / MEBIBYTE)
    throw new CannotStart(
      `The state folder ${folder} is on a filesystem that is full: ${free} MiB free, ${FREE_BYTES_MIN / MEBIBYTE} MiB needed. ${elsewhere}`,
    )
  }
  return freeBytes
}

const listenOn = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })

/** @throws CannotStart naming the port and PORT= */
export const checkPort = async (port: number): Promise<void> => {
  try {
    await listenOn(port)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'EADDRINUSE'
        ? 'is taken by another program'
        : code === 'EACCES'
          ? 'needs more rights than this user has'
          : `cannot be used (${message})`
    const other = port < 65_000 ? Math.max(port + 1, 1_024) : port - 1
    throw new CannotStart(
      `Port ${port} on 127.0.0.1 ${reason}. Choose another: PORT=${other} npm start`,
    )
  }
}

/** A port that is free now, on the loopback address. */
export const freePort = (): Promise<number> => listenOn(0)
