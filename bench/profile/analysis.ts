import type { CpuProfile, ProfileNode } from './inspector.ts'

/** A place in the sources; `line` counts from 1. */
export interface Place {
  file: string
  line: number
}

/** Where a line and column of the bundle, both from 0, come from. */
export type Locate = (line: number, column: number) => Place | null

export interface Share {
  name: string
  selfMs: number
  /** Of the time that was not idle, [0, 1]. */
  ratio: number
}

export interface Analysis {
  /** Time with something to do. */
  busyMs: number
  idleMs: number
  /** By self time, longest first. */
  functions: Share[]
  modules: Share[]
}

const WASM = 'kernels.wasm'

/** The package of a file in node_modules, the path of one of ours, the engine for what has no source. */
const moduleOf = (file: string): string => {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
  return inPackage ?? file
}

const describe = ({ callFrame }: ProfileNode, locate: Locate): { name: string; module: string } => {
  const { functionName, url, lineNumber, columnNumber } = callFrame
  const name = functionName || '(anonymous)'
  if (url.startsWith('wasm:')) return { name: `${name} ${WASM}`, module: WASM }
  if (url === '' || lineNumber < 0) return { name, module: '(engine)' }
  const place = locate(lineNumber, columnNumber)
  if (place === null) return { name: `${name} ${url}:${lineNumber + 1}`, module: '(bundle)' }
  return { name: `${name} ${place.file}:${place.line}`, module: moduleOf(place.file) }
}

const sharesOf = (times: ReadonlyMap<string, number>, busyUs: number): Share[] =>
  [...times]
    .sort(([, a], [, b]) => b - a)
    .map(([name, us]) => ({ name, selfMs: us / 1_000, ratio: us / busyUs }))

/** Self times by function and by module. V8 stops a function at its first line, so a function is one place. */
export const analyse = (profile: CpuProfile, locate: Locate): Analysis => {
  const selfUs = new Map<number, number>()
  profile.samples.forEach((node, index) => {
    selfUs.set(node, (selfUs.get(node) ?? 0) + (profile.timeDeltas[index] ?? 0))
  })
  const functions = new Map<string, number>()
  const modules = new Map<string, number>()
  let idleUs = 0
  let busyUs = 0
  const add = (times: Map<string, number>, name: string, us: number): void => {
    times.set(name, (times.get(name) ?? 0) + us)
  }
  for (const node of profile.nodes) {
    const us = selfUs.get(node.id) ?? 0
    if (us === 0) continue
    if (node.callFrame.functionName === '(idle)') {
      idleUs += us
      continue
    }
    busyUs += us
    const { name, module } = describe(node, locate)
    add(functions, name, us)
    add(modules, module, us)
  }
  return {
    busyMs: busyUs / 1_000,
    idleMs: idleUs / 1_000,
    functions: sharesOf(functions, busyUs),
    modules: sharesOf(modules, busyUs),
  }
}
