/// <reference types="@cloudflare/vitest-plugin/types" />

declare namespace Cloudflare {
  interface Env extends WorkerBindings {}
}

type WorkerBindings = import('../src/env.ts').Env
