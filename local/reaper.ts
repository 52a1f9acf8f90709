/**
 * Ends the children of a stack that was killed. The stack holds this process's standard input open
 * and writes `+pid` and `-pid` lines to it; when the pipe closes without an `end` line, whoever is
 * still listed is asked to end, and killed a little later. A negative number names a process group.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, signalProcess } from '../scripts/processes.ts'

/** PostgreSQL needs about a second for its fast shutdown's checkpoint. */
const GRACE_MS = 4_000

// A Ctrl-C is for the stack: this process ends when the stack has.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

const children = new Set<number>()
let ended = false
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1))
  if (line === 'end') ended = true
  else if (line.startsWith('+') && Number.isInteger(pid)) children.add(pid)
  else if (line.startsWith('-') && Number.isInteger(pid)) children.delete(pid)
}

if (!ended) {
  // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
  for (const pid of children) signalProcess(pid, pid < 0 ? 'SIGTERM' : 'SIGINT')
  const deadlineMs = performance.now() + GRACE_MS
  while ([...children].some(isAlive) && performance.now() < deadlineMs) await sleep(50)
  for (const pid of children) signalProcess(pid, 'SIGKILL')
}
