import { classOf } from './size-class.ts'

/** Most that the arena hands out at one time: half of what an isolate may have in all. */
export const ARENA_BYTES_MAX = 64 * 1024 * 1024

/** Most elements of one chunk: their f64 stay in the first cache while a kernel reads them. */
export const CHUNK_ELEMENTS = 4096

/** What lies at an arena's scratch address: see there. */
export const SCRATCH_BYTES = 1024 + CHUNK_ELEMENTS * 8
const PAGE_BYTES = 65_536

/**
 * f64[length] that lie in the kernels' memory already, in a lease that is still open: functions that
 * take values take these where they are, and may use them up.
 */
export class Resident {
  readonly pointer: number
  readonly length: number

  constructor(pointer: number, length: number) {
    this.pointer = pointer
    this.length = length
  }
}

/** The arena's bound would be passed: the caller may answer 503 or refuse the size. */
export class ArenaExhaustedError extends Error {
  override readonly name = 'ArenaExhaustedError'
  readonly requestedBytes: number

  constructor(requestedBytes: number) {
    super(`no ${requestedBytes} bytes left of the kernels' memory`)
    this.requestedBytes = requestedBytes
  }
}

/** A block that outlives the request that made it. */
export interface Hold {
  readonly pointer: number
  /** Gives the block back; a second call does nothing. */
  free(): void
}

/**
 * Memory for kernel calls, in the module's linear memory. Blocks are aligned to 16, come in
 * power-of-two size classes, and go back to their class when their lease closes; memory grows only
 * when a class has no free block, and never beyond `bytesMax`. Where that bound is met, free
 * neighbours are joined and cut anew.
 *
 * A block is not cleared: write before reading. Growth detaches every typed array over the memory,
 * so take views from f64(), f32() and u32() after the last allocate() and do not keep them.
 */
export class Arena {
  readonly bytesMax: number
  /**
   * Address of 1 KiB and, behind it, CHUNK_ELEMENTS f64. They belong to one kernel's host function
   * from its start to its return: nothing that awaits or calls another may keep anything there.
   */
  readonly scratch: number
  readonly #memory: WebAssembly.Memory
  readonly #base: number
  readonly #free = new Map<number, number[]>()
  #top: number
  #liveBlocks = 0
  #heldBytes = 0
  #f64 = new Float64Array(0)
  #f32 = new Float32Array(0)
  #u32 = new Uint32Array(0)
  #u8 = new Uint8Array(0)

  constructor(memory: WebAssembly.Memory, base: number, bytesMax = ARENA_BYTES_MAX) {
    this.#memory = memory
    this.scratch = Math.ceil(base / 16) * 16
    this.#base = this.scratch + SCRATCH_BYTES
    this.#top = this.#base
    this.bytesMax = bytesMax
    const missingBytes = this.#base - memory.buffer.byteLength
    if (missingBytes > 0) memory.grow(Math.ceil(missingBytes / PAGE_BYTES))
  }

  /** Bytes of linear memory, static data included. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength
  }

  /** Blocks that open leases hold. */
  get liveBlocks(): number {
    return this.#liveBlocks
  }

  /** A lease that the caller closes, whatever happens. */
  openLease(): Lease {
    return new Lease(this)
  }

  /** Runs `use` with a lease that closes when it returns or throws. */
  lease<T>(use: (lease: Lease) => T): T {
    const lease = new Lease(this)
    try {
      return use(lease)
    } finally {
      lease.close()
    }
  }

  /** @returns the block's address; it belongs to the caller until release() with the same size */
  take(sizeBytes: number): number {
    const blockBytes = classOf(sizeBytes)
    const pointer = this.#free.get(blockBytes)?.pop() ?? this.#extend(blockBytes)
    if (pointer === undefined) throw new ArenaExhaustedError(sizeBytes)
    this.#liveBlocks++
    return pointer
  }

  release(pointer: number, sizeBytes: number): void {
    this.#give(pointer, classOf(sizeBytes))
    this.#liveBlocks--
  }

  /**
   * A block for as long as its owner wants it. All of them together have half of `bytesMax`, so that
   * requests find room.
   *
   * @throws ArenaExhaustedError
   */
  hold(sizeBytes: number): Hold {
    const blockBytes = classOf(sizeBytes)
    if (this.#heldBytes + blockBytes > this.bytesMax / 2) throw new ArenaExhaustedError(sizeBytes)
    const pointer = this.take(sizeBytes)
    this.#heldBytes += blockBytes
    let isFree = false
    return {
      pointer,
      free: () => {
        if (isFree) return
        isFree = true
        this.#heldBytes -= blockBytes
        this.release(pointer, sizeBytes)
      },
    }
  }

  #give(pointer: number, blockBytes: number): void {
    const free = this.#free.get(blockBytes)
    if (free) free.push(pointer)
    else this.#free.set(blockBytes, [pointer])
  }

  /** Joins free neighbours, gives those at the top up, and cuts the rest into the largest classes. */
  #join(): void {
    const free = [...this.#free].flatMap(([bytes, pointers]) =>
      pointers.map((pointer) => ({ pointer, end: pointer + bytes })),
    )
    this.#free.clear()
    let joined: { pointer: number; end: number } | undefined
    const cut = () => {
      if (!joined) return
      for (let { pointer, end } = joined; pointer < end; ) {
        const blockBytes = 2 ** (31 - Math.clz32(end - pointer))
        this.#give(pointer, blockBytes)
        pointer += blockBytes
      }
    }
    for (const block of free.sort((a, b) => a.pointer - b.pointer)) {
      if (joined?.end === block.pointer) joined.end = block.end
      else {
        cut()
        joined = block
      }
    }
    if (joined?.end === this.#top) this.#top = joined.pointer
    else cut()
  }

  /** The smallest free block of a larger class, cut: what is left of it stays free. */
  #split(blockBytes: number): number | undefined {
    for (let larger = blockBytes; larger <= this.bytesMax; larger *= 2) {
      const pointer = this.#free.get(larger)?.pop()
      if (pointer === undefined) continue
      for (let half = larger / 2; half >= blockBytes; half /= 2) this.#give(pointer + half, half)
      return pointer
    }
    return undefined
  }

  #extend(blockBytes: number): number | undefined {
    if (blockBytes > this.bytesMax) return undefined
    if (this.#top + blockBytes - this.#base > this.bytesMax) {
      // Free blocks of other classes fill the bound.
      this.#join()
      const pointer = this.#split(blockBytes)
      if (pointer !== undefined) return pointer
      if (this.#top + blockBytes - this.#base > this.bytesMax) return undefined
    }
    const pointer = this.#top
    const missingBytes = pointer + blockBytes - this.#memory.buffer.byteLength
    if (missingBytes > 0) {
      try {
        this.#memory.grow(Math.ceil(missingBytes / PAGE_BYTES))
      } catch {
        // RangeError: the isolate or the machine has no more memory to give.
        return undefined
      }
    }
    this.#top += blockBytes
    return pointer
  }

  /** Copies values to an address that is a multiple of their width. */
  write(pointer: number, values: Float64Array | Float32Array): void {
    if (values instanceof Float64Array) this.#allF64().set(values, pointer >>> 3)
    else this.#allF32().set(values, pointer >>> 2)
  }

  /** The f64 at an address, `index` elements on. */
  readF64(pointer: number, index = 0): number {
    return this.#allF64()[(pointer >>> 3) + index] ?? Number.NaN
  }

  writeF64(pointer: number, index: number, value: number): void {
    this.#allF64()[(pointer >>> 3) + index] = value
  }

  /** Copies bytes to an address. */
  writeBytes(pointer: number, bytes: Uint8Array): void {
    this.#allU8().set(bytes, pointer)
  }

  /** The u32 at an address that is a multiple of 4, `index` elements on. */
  readU32(pointer: number, index = 0): number {
    return this.#allU32()[(pointer >>> 2) + index] ?? 0
  }

  // Growth leaves the old buffer without bytes: cheaper to see than asking the memory for its own.
  #allF64(): Float64Array {
    if (this.#f64.length === 0) this.#f64 = new Float64Array(this.#memory.buffer)
    return this.#f64
  }

  #allF32(): Float32Array {
    if (this.#f32.length === 0) this.#f32 = new Float32Array(this.#memory.buffer)
    return this.#f32
  }

  f64(pointer: number, length: number): Float64Array {
    return this.#allF64().subarray(pointer >>> 3, (pointer >>> 3) + length)
  }

  f32(pointer: number, length: number): Float32Array {
    return this.#allF32().subarray(pointer >>> 2, (pointer >>> 2) + length)
  }

  #allU32(): Uint32Array {
    if (this.#u32.length === 0) this.#u32 = new Uint32Array(this.#memory.buffer)
    return this.#u32
  }

  #allU8(): Uint8Array {
    if (this.#u8.length === 0) this.#u8 = new Uint8Array(this.#memory.buffer)
    return this.#u8
  }

  u32(pointer: number, length: number): Uint32Array {
    return this.#allU32().subarray(pointer >>> 2, (pointer >>> 2) + length)
  }

  i32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, pointer, length)
  }

  u8(pointer: number, length: number): Uint8Array {
    return this.#allU8().subarray(pointer, pointer + length)
  }
}

/** The blocks of one piece of work. Two open leases never share a block. */
export class Lease {
  readonly #arena: Arena
  readonly #pointers: number[] = []
  readonly #sizes: number[] = []

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** @returns address of sizeBytes, aligned to 16  @throws ArenaExhaustedError */
  allocate(sizeBytes: number): number {
    const pointer = this.#arena.take(sizeBytes)
    this.#pointers.push(pointer)
    this.#sizes.push(sizeBytes)
    return pointer
  }

  /** Copies values into a block of their own, unless they are in the memory. */
  copyIn(values: Float64Array | Float32Array | Resident): number {
    if (values instanceof Resident) return values.pointer
    const pointer = this.allocate(values.byteLength)
    if (values instanceof Float64Array) this.#arena.f64(pointer, values.length).set(values)
    else this.#arena.f32(pointer, values.length).set(values)
    return pointer
  }

  /** Copies values into a block of f64, widening f32 exactly, unless they are in the memory. */
  copyInAsF64(values: Float64Array | Float32Array | Resident): number {
    if (values instanceof Resident) return values.pointer
    const pointer = this.allocate(values.length * 8)
    this.#arena.f64(pointer, values.length).set(values)
    return pointer
  }

  close(): void {
    for (let i = 0; i < this.#pointers.length; i++) {
      this.#arena.release(this.#pointers[i] ?? 0, this.#sizes[i] ?? 0)
    }
    this.#pointers.length = 0
    this.#sizes.length = 0
  }
}
