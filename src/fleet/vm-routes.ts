import { createRoute, z } from '@hono/zod-openapi'
import { connect } from '../database/client.ts'
import { type Transition, transitionVm } from '../database/transition-queries.ts'
import { listVms, VM_SORTS } from '../database/vm-list.ts'
import { createVm, deleteVm, getVm, updateVm } from '../database/vm-queries.ts'
import { requireScope } from '../http/auth.ts'
import type { AppContext } from '../http/context.ts'
import { jsonBody } from '../http/json-body.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { logEvent } from '../observability/log.ts'
import type { Result } from '../result.ts'
import { hubOf } from '../streams/hub-client.ts'
import type { VmChange } from '../streams/protocol.ts'
import { shardOfVm } from './shards.ts'
import { forgetVms } from './vm-directory.ts'
import { type FleetError, fleetProblem } from './vm-problems.ts'
import * as schema from './vm-schema.ts'

/** Create, read, change and delete VMs, and their state changes. */
export const vms = createRouter()

const tags = ['fleet']
const vmBody = { 'application/json': { schema: schema.vmSchema } }
const body = <S extends z.ZodType>(of: S) => ({
  body: { required: true, content: { 'application/json': { schema: of } } },
})

const unwrap = <T>(result: Result<T, FleetError>): T => {
  if (!result.ok) throw fleetProblem(result.error)
  return result.value
}

/** Tells the live stream; a hub that cannot be reached does not undo the change. */
const announce = (c: AppContext, id: string, change: VmChange): void => {
  forgetVms(c.var.principal.organisationId)
  c.executionCtx.waitUntil(
    hubOf(c.env, c.var.principal.organisationId)
      .vmChanged(id, change)
      .catch((error: unknown) =>
        logEvent('fleet', 'warn', 'the hub was not told of a change', error),
      ),
  )
}

vms.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/vms',
    tags,
    summary: 'List VMs',
    middleware: [requireScope('read')],
    request: {
      query: z.object({
        status: schema.vmStatusSchema.optional(),
        region: schema.printable(100).optional(),
        name: schema
          .printable(schema.VM_NAME_LENGTH_MAX)
          .optional()
          .openapi({ description: 'Prefix of the name' }),
        sort: z.enum(VM_SORTS).default('name'),
        limit: z.coerce.number().int().min(1).max(500).default(50),
        cursor: schema.cursorSchema,
      }),
    },
    responses: {
      200: {
        description: 'One page',
        content: {
          'application/json': {
            schema: z.object({ vms: z.array(schema.vmSchema), next_cursor: z.string().nullable() }),
          },
        },
      },
      ...problemResponses(400, 401, 403, 422),
    },
  }),
  async (c) => {
    const { name, ...query } = c.req.valid('query')
    const { organisationId } = c.var.principal
    const page = unwrap(
      await listVms(connect(c.var.settings), organisationId, { ...query, namePrefix: name }),
    )
    return c.json({ vms: [...page.vms], next_cursor: page.nextCursor }, 200)
  },
)

vms.openapi(
  createRoute({
    method: 'post',
    path: '/api/v1/vms',
    tags,
    summary: 'Create a VM',
    middleware: [requireScope('write'), ...jsonBody],
    request: body(schema.newVmSchema),
    responses: {
      201: { description: 'Created; Location names it', content: vmBody },
      ...problemResponses(400, 401, 403, 409, 413, 415, 422),
    },
  }),
  async (c) => {
    const { organisationId } = c.var.principal
    const vm = unwrap(await createVm(connect(c.var.settings), organisationId, c.req.valid('json')))
    announce(c, vm.id, 'created')
    return c.json(vm, 201, { location: `/api/v1/vms/${vm.id}` })
  },
)

vms.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/vms/{id}',
    tags,
    summary: 'Read a VM by its id or name',
    middleware: [requireScope('read')],
    request: { params: schema.vmIdParameter },
    responses: {
      200: { description: 'The VM', content: vmBody },
      ...problemResponses(401, 403, 404),
    },
  }),
  async (c) => {
    const { organisationId } = c.var.principal
    const vm = await getVm(connect(c.var.settings), organisationId, c.req.valid('param').id)
    if (!vm) throw fleetProblem({ reason: 'vm-not-found' })
    return c.json(vm, 200)
  },
)

vms.openapi(
  createRoute({
    method: 'put',
    path: '/api/v1/vms/{id}',
    tags,
    summary: 'Change a VM; fields left out stay',
    middleware: [requireScope('write'), ...jsonBody],
    request: { params: schema.vmIdParameter, ...body(schema.vmPatchSchema) },
    responses: {
      200: { description: 'The VM as it is now', content: vmBody },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415, 422),
    },
  }),
  async (c) => {
    const { organisationId } = c.var.principal
    const { id } = c.req.valid('param')
    const vm = unwrap(
      await updateVm(connect(c.var.settings), organisationId, id, c.req.valid('json')),
    )
    announce(c, vm.id, 'updated')
    return c.json(vm, 200)
  },
)

vms.openapi(
  createRoute({
    method: 'delete',
    path: '/api/v1/vms/{id}',
    tags,
    summary: 'Delete a VM; its name is free at once',
    middleware: [requireScope('write')],
    request: { params: schema.vmIdParameter },
    responses: { 204: { description: 'Deleted' }, ...problemResponses(401, 403, 404) },
  }),
  async (c) => {
    const { organisationId } = c.var.principal
    const { id } = c.req.valid('param')
    if (!(await deleteVm(connect(c.var.settings), organisationId, id)))
      throw fleetProblem({ reason: 'vm-not-found' })
    const vmId = id.toLowerCase()
    announce(c, vmId, 'deleted')
    // The VM is gone already; a shard that is not told keeps its samples until they age.
    await shardOfVm(c.env, c.var.settings, organisationId, vmId)
      .forget(vmId)
      .catch((error: unknown) =>
        logEvent('fleet', 'warn', 'a shard was not told of a deleted VM', error),
      )
    return c.body(null, 204)
  },
)

for (const transition of ['start', 'stop', 'restart'] as const satisfies readonly Transition[])
  vms.openapi(
    createRoute({
      method: 'post',
      path: `/api/v1/vms/{id}/${transition}`,
      tags,
      summary: `Ask a VM to ${transition}`,
      middleware: [requireScope('write')],
      request: { params: schema.vmIdParameter },
      responses: {
        200: { description: 'The VM in its new state', content: vmBody },
        ...problemResponses(401, 403, 404, 409),
      },
    }),
    async (c) => {
      const { organisationId } = c.var.principal
      const { id } = c.req.valid('param')
      const vm = unwrap(await transitionVm(connect(c.var.settings), organisationId, id, transition))
      announce(c, vm.id, 'updated')
      return c.json(vm, 200)
    },
  )
