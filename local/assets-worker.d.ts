/** Types of `assets-worker.js`, which workerd runs as it is. */
declare const assetsWorker: {
  fetch(
    request: Request,
    environment: { FILES: { fetch(url: string): Promise<Response> } },
  ): Promise<Response>
}
export default assetsWorker
