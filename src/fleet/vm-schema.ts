import { z } from '@hono/zod-openapi'
import { VM_STATUSES } from './types.ts'

export const VM_NAME_LENGTH_MAX = 253

/** Text that PostgreSQL takes (no NUL, no half of a surrogate pair) and a log shows as it is. */
export const printable = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters or lone surrogates')

export const vmStatusSchema = z.enum(VM_STATUSES)

const fields = {
  name: printable(VM_NAME_LENGTH_MAX).openapi({ example: 'web-1' }),
  cpu_cores: z.number().int().min(1).max(4_096),
  memory_mb: z.number().int().min(1).max(1_073_741_824),
  disk_gb: z.number().int().min(0).max(1_073_741_824),
  region: printable(100),
  instance_type: printable(100),
}

export const newVmSchema = z
  .strictObject({
    ...fields,
    region: fields.region.default('local'),
    instance_type: fields.instance_type.default('custom'),
    status: vmStatusSchema.default('stopped'),
  })
  .openapi('NewVm')

export const vmPatchSchema = z
  .strictObject(fields)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'at least one field is needed')
  .openapi('VmPatch')

export const vmSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    status: vmStatusSchema,
    cpu_cores: z.number(),
    memory_mb: z.number(),
    disk_gb: z.number(),
    region: z.string(),
    instance_type: z.string(),
    organisation: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi('Vm')

const percent = z.number().min(0).max(100).nullable()
const rate = z.number().min(0).nullable()

export const metricsSchema = {
  cpu_usage: percent,
  memory_usage: percent,
  disk_usage: percent,
  network_in_bytes: rate,
  network_out_bytes: rate,
  iops_read: rate,
  iops_write: rate,
}

export const cursorSchema = z
  .string()
  .max(4_096)
  .optional()
  .openapi({ description: 'next_cursor of the page before, under the same sort' })

export const vmIdParameter = z.object({
  id: printable(VM_NAME_LENGTH_MAX).openapi({ description: 'The id of the VM' }),
})
