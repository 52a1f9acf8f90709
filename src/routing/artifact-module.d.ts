declare module '*.gjr' {
  const content: ArrayBuffer
  export default content
}

declare module '*.tiktoken' {
  const content: ArrayBuffer
  export default content
}
