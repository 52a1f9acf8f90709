/** What `npm start` prints: one line a step with its duration, later one line an event. */
export interface LocalLog {
  /** Runs a step and prints it with its duration; the work's answer is the line's detail. */
  step<T>(name: string, work: () => Promise<T>, detail?: (value: T) => string): Promise<T>
  done(name: string, detail: string, durationMs: number): void
  failed(name: string, detail: string): void
  /** Something that happened later, with the time of day. */
  event(name: string, text: string): void
  plain(text: string): void
}

const NAME_WIDTH = 14
const DETAIL_WIDTH = 46

/** 840 ms as `840 ms`, 2,430 ms as `2.4 s`. */
export const formatDuration = (durationMs: number): string =>
  durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`

/** @param write takes whole lines  @param colour whether the output shows colours */
export const createLog = (write: (line: string) => void, colour: boolean): LocalLog => {
  const paint = (code: number, text: string): string =>
    colour ? `\u001b[${code}m${text}\u001b[0m` : text
  const dim = (text: string): string => paint(2, text)

  const log: LocalLog = {
    step: async (name, work, detail = () => '') => {
      const startedMs = performance.now()
      const value = await work()
      log.done(name, detail(value), performance.now() - startedMs)
      return value
    },
    done: (name, detail, durationMs) => {
      const duration = formatDuration(durationMs).padStart(8)
      write(
        `  ${paint(32, '✓')} ${name.padEnd(NAME_WIDTH)} ${detail.padEnd(DETAIL_WIDTH)} ${dim(duration)}`,
      )
    },
    failed: (name, detail) => {
      const indented = detail.trim().replaceAll('\n', `\n${' '.repeat(NAME_WIDTH + 5)}`)
      write(`  ${paint(31, '✗')} ${name.padEnd(NAME_WIDTH)} ${indented}`)
    },
    event: (name, text) => {
      const time = new Date().toTimeString().slice(0, 8)
      write(`  ${dim(time)} ${name.padEnd(10)} ${text}`)
    },
    plain: write,
  }
  return log
}
