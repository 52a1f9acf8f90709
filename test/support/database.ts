import { readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'

/** The address of the embedded PostgreSQL of a state folder, also while it is down. */
export const databaseUrlOf = async (stateFolder: string): Promise<string> => {
  const record = JSON.parse(await readFile(path.join(stateFolder, 'postgres.json'), 'utf8'))
  return `postgresql://gjallar:${record.password}@127.0.0.1:${record.port}/gjallar`
}

/** Samples of a VM that PostgreSQL has, over all its minutes. */
export const storedSamples = async (databaseUrl: string, vmId: string): Promise<number> => {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ samples: string | null }>(
      'SELECT sum(sample_count) AS samples FROM vm_metrics WHERE vm_id = $1',
      [vmId],
    )
    return Number(rows[0]?.samples ?? 0)
  } finally {
    await client.end()
  }
}
