declare module '*.gjr' {
  const content: ArrayBuffer
  export default content
}
