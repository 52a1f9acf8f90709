import { describe, expect, it } from 'vitest'
import {
  type RestartPolicy,
  type Running,
  restartDelayMs,
  Supervisor,
} from '../../local/supervisor.ts'

const POLICY: RestartPolicy = { firstMs: 5, maxMs: 40, healthyAfterMs: 1_000 }

/** A child that ends when it is told to. */
const fakeChild = (pid: number): Running & { end(how: string): void } => {
  let end = (_how: string): void => {}
  const exited = new Promise<string>((resolve) => {
    end = resolve
  })
  return { pid, exited, end, stop: async () => end('SIGTERM') }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('the wait before a restart', () => {
  it.each([
    { failures: 0, delayMs: 5 },
    { failures: 1, delayMs: 10 },
    { failures: 3, delayMs: 40 },
    { failures: 1_000, delayMs: 40 },
  ])('is $delayMs ms after $failures failures', ({ failures, delayMs }) => {
    expect(restartDelayMs(POLICY, failures)).toBe(delayMs)
  })
})

describe('a supervised child', () => {
  it('is started again when it dies, and the log says how it ended', async () => {
    const children = [fakeChild(1), fakeChild(2)]
    const started: number[] = []
    const log: string[] = []
    const supervisor = new Supervisor({
      name: 'child',
      policy: POLICY,
      log: (text) => log.push(text),
      onSpawned: (pid) => started.push(pid),
      start: async (spawned) => {
        const child = children[started.length] ?? fakeChild(99)
        spawned(child)
        return child
      },
    })
    await supervisor.start()
    children[0]?.end('SIGKILL')
    await until(() => started.length === 2)
    await supervisor.stop()
    expect(started).toEqual([1, 2])
    expect(log[0]).toContain('SIGKILL')
    expect(log).toContain('runs again')
  })

  it('is not started again when it is stopped', async () => {
    let starts = 0
    const supervisor = new Supervisor({
      name: 'child',
      policy: POLICY,
      log: () => {},
      start: async (spawned) => {
        starts++
        const child = fakeChild(1)
        spawned(child)
        return child
      },
    })
    await supervisor.start()
    await supervisor.stop()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(starts).toBe(1)
  })

  it('can be stopped while it is still starting', async () => {
    const child = fakeChild(1)
    const supervisor = new Supervisor({
      name: 'child',
      policy: POLICY,
      log: () => {},
      start: async (spawned) => {
        spawned(child)
        throw new Error(await child.exited)
      },
    })
    const starting = supervisor.start()
    await supervisor.stop()
    await expect(starting).rejects.toThrow('SIGTERM')
  })

  it('is tried ever more rarely when it cannot start again', async () => {
    const first = fakeChild(1)
    const log: string[] = []
    let starts = 0
    const supervisor = new Supervisor({
      name: 'child',
      policy: POLICY,
      log: (text) => log.push(text),
      start: async (spawned) => {
        if (starts++ > 0) throw new Error('no such program')
        spawned(first)
        return first
      },
    })
    await supervisor.start()
    first.end('status 1')
    await until(() => starts === 4)
    await supervisor.stop()
    expect(log[1]).toBe('cannot start (no such program); next try in 0.01 s')
    expect(log[2]).toBe('cannot start (no such program); next try in 0.02 s')
  })

  it('rejects when it cannot start for the first time', async () => {
    const supervisor = new Supervisor({
      name: 'child',
      log: () => {},
      start: () => Promise.reject(new Error('no such program')),
    })
    await expect(supervisor.start()).rejects.toThrow('no such program')
    await supervisor.stop()
  })
})
