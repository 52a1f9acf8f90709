import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ensureDevelopmentKey, migrate } from '../local/migrate.ts'

/**
 * `DATABASE_URL=… npm run migrate [-- --key]`: brings the schema of a database up to date; with
 * `--key` also makes a platform admin's key of the organisation `local` and prints it once.
 */
const { values } = parseArgs({ options: { key: { type: 'boolean', default: false } } })
const url = process.env.DATABASE_URL
if (!url) {
  console.error('DATABASE_URL names the database: postgresql://user:password@host/database')
  process.exit(2)
}
await migrate(url)
console.log('The schema is up to date.')
if (values.key) {
  const key = `gjl_${randomBytes(32).toString('base64url')}`
  await ensureDevelopmentKey(url, key)
  console.log(`A platform admin's key, shown once: ${key}`)
}
