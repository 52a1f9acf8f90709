/** Most that the arena hands out at one time: half of what an isolate may have in all. */
export const ARENA_BYTES_MAX = 64 * 1024 * 1024

/** Most elements of one chunk: their f64 stay in the first cache while a kernel reads them. */
export const CHUNK_ELEMENTS = 4096

const SCRATCH_BYTES = 1024 + CHUNK_ELEMENTS * 8
const PAGE_BYTES = 65_536
const CLASS_BYTES_MIN = 256

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

/** Power of two ≥ sizeBytes, so blocks of one class serve one another's requests. */
const classOf = (sizeBytes: number): number =>
  sizeBytes <= CLASS_BYTES_MIN ? CLASS_BYTES_MIN : 2 ** (32 - Math.clz32(sizeBytes - 1))

/**
 * Memory for kernel calls, in the module's linear memory. Blocks are aligned to 16, come in
 * power-of-two size classes, and go back to their class when their lease closes; memory grows only
 * when a class has no free block, and never beyond `bytesMax`.
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
    const blockBytes = classOf(sizeBytes)
    const free = this.#free.get(blockBytes)
    if (free) free.push(pointer)
    else this.#free.set(blockBytes, [pointer])
    this.#liveBlocks--
  }

  #extend(blockBytes: number): number | undefined {
    if (this.#top + blockBytes - this.#base > this.bytesMax) {
      // Free blocks of other classes fill the bound. With none in use they can all be given up.
      if (this.#liveBlocks > 0 || blockBytes > this.bytesMax) return undefined
      this.#free.clear()
      this.#top = this.#base
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

  u32(pointer: number, length: number): Uint32Array {
    if (this.#u32.buffer !== this.#memory.buffer) this.#u32 = new Uint32Array(this.#memory.buffer)
    return this.#u32.subarray(pointer >>> 2, (pointer >>> 2) + length)
  }

  u8(pointer: number, length: number): Uint8Array {
    if (this.#u8.buffer !== this.#memory.buffer) this.#u8 = new Uint8Array(this.#memory.buffer)
    return this.#u8.subarray(pointer, pointer + length)
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
