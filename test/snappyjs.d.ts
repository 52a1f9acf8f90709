declare module 'snappyjs' {
  export function compress<T extends ArrayBuffer | Uint8Array>(plain: T): T
  export function uncompress<T extends ArrayBuffer | Uint8Array>(block: T, sizeBytesMax?: number): T
  const snappy: { compress: typeof compress; uncompress: typeof uncompress }
  export default snappy
}
