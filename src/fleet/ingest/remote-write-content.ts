import type { RemoteWriteVersion } from '../../kernels/remote-write.ts'
import { err, ok, type Result } from '../../result.ts'

const MEDIA_TYPE = 'application/x-protobuf'
const MESSAGES: Readonly<Record<RemoteWriteVersion, string>> = {
  1: 'prometheus.WriteRequest',
  2: 'io.prometheus.write.v2.Request',
}
const VERSION_OF: Readonly<Record<string, RemoteWriteVersion>> = {
  [MESSAGES[1]]: 1,
  [MESSAGES[2]]: 2,
}
const SHOWN_LENGTH_MAX = 100

/** What is sent cannot be read here: a sentence, and the header that says what can be. */
export interface ContentFault {
  readonly detail: string
  readonly headers: Readonly<Record<string, string>>
}

const typeFault = (detail: string): ContentFault => ({
  detail,
  headers: {
    accept: Object.keys(VERSION_OF)
      .map((proto) => `${MEDIA_TYPE};proto=${proto}`)
      .join(', '),
  },
})

/** The value of a parameter of a media type (RFC 9110 §5.6.6), quoted or not; null where it is absent. */
const parameterOf = (parameters: readonly string[], wanted: string): string | null => {
  for (const parameter of parameters) {
    const [name = '', ...rest] = parameter.split('=')
    if (name.trim().toLowerCase() !== wanted) continue
    return rest
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1')
  }
  return null
}

/** Name of the protobuf message of a version. */
export const messageOf = (version: RemoteWriteVersion): string => MESSAGES[version]

/** Which message a request has, from its Content-Type and Content-Encoding. */
export const contentOf = (headers: Headers): Result<RemoteWriteVersion, ContentFault> => {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (coding !== 'snappy') {
    const what =
      coding === ''
        ? 'no content encoding was sent'
        : `${coding.slice(0, SHOWN_LENGTH_MAX)} is not read here`
    return err({ detail: `${what}; send snappy blocks`, headers: { 'accept-encoding': 'snappy' } })
  }
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').split(';')
  const media = type.trim().toLowerCase()
  if (media !== MEDIA_TYPE) {
    const what =
      media === ''
        ? 'no content type was sent'
        : `${media.slice(0, SHOWN_LENGTH_MAX)} is not read here`
    return err(typeFault(`${what}; send ${MEDIA_TYPE}`))
  }
  const proto = parameterOf(parameters, 'proto') ?? MESSAGES[1]
  const version = Object.hasOwn(VERSION_OF, proto) ? VERSION_OF[proto] : undefined
  if (version === undefined)
    return err(typeFault(`the message ${proto.slice(0, SHOWN_LENGTH_MAX)} is not known`))
  return ok(version)
}
