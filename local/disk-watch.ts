import { statfs } from 'node:fs/promises'

/** Below this the journal and PostgreSQL are about to refuse writes. */
export const FREE_BYTES_LOW = 64 * 1024 * 1024
const POLL_MS = 2_000
const MEBIBYTE = 1024 * 1024

/** Tells changes between enough and too little room only, so that a full disk does not fill the log. */
export const createDiskNotice = (
  folder: string,
  log: (text: string) => void,
): ((freeBytes: number) => void) => {
  let isLow = false
  return (freeBytes) => {
    const wasLow = isLow
    // Twice the bound to leave the state again: a value that swings around it is told once.
    isLow = freeBytes < (wasLow ? 2 * FREE_BYTES_LOW : FREE_BYTES_LOW)
    if (isLow === wasLow) return
    const free = Math.floor(freeBytes / MEBIBYTE)
    log(
      isLow
        ? `The state folder ${folder} is on a filesystem that is full (${free} MiB free): samples are refused until there is room`
        : `There is room again in ${folder} (${free} MiB free)`,
    )
  }
}

/** Watches the room in the state folder. @returns a function that ends it */
export const watchDisk = (folder: string, log: (text: string) => void): (() => void) => {
  const notice = createDiskNotice(folder, log)
  const timer = setInterval(() => {
    // A folder that was taken away shows in every other part of the stack.
    statfs(folder).then(
      ({ bavail, bsize }) => notice(bavail * bsize),
      () => {},
    )
  }, POLL_MS)
  return () => clearInterval(timer)
}
