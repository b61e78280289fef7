import {
  ArtifactError,
  asKnown,
  type CreatePackageRequest,
  canonicalJson,
  decideCreate,
  makeEvent,
  newPackageId,
  type PackageId,
  parsePackageId,
} from '@artifact-store/core'
import type { GatewayContext } from '../context.ts'
import type { Caller } from '../http/authenticate.ts'
import type { Decided } from './decide-and-append.ts'

/**
 * Opens a package. The id of a repeated request would be another one, so a repeat is known by its key and by what it asks for,
 * and is answered with the package that the first one made.
 * @throws ArtifactError `idempotency-key-reused` when the key came with another request before.
 */
export async function createPackage(
  gateway: GatewayContext,
  caller: Caller,
  request: CreatePackageRequest,
  idempotencyKey: string | undefined,
): Promise<Decided<PackageId>> {
  const id = newPackageId()
  const payload = decideCreate(request)
  const event = makeEvent({ type: 'v1.package.created', subjectId: id, actor: caller.actor, payload })
  const outcome = await gateway.log.append({
    key: appendKey(caller, idempotencyKey),
    events: [event],
    conditions: [{ subject: { kind: 'package', id }, revision: 0 }],
  })
  switch (outcome.outcome) {
    case 'appended':
    case 'repeated':
      return { answer: id, position: outcome.lastSequence }
    case 'key-reused': {
      const [stored] = await gateway.read().fetchSince(outcome.firstSequence - 1, 1)
      // Read as every reader does: an older gateway may have written it.
      const first = stored && asKnown(stored)
      if (first?.eventType !== 'v1.package.created' || canonicalJson(first.payload) !== event.payloadJson) {
        throw new ArtifactError(
          'idempotency-key-reused',
          'the Idempotency-Key was used for another request: use a new key for a new request',
        )
      }
      return { answer: parsePackageId(first.subjectId), position: outcome.lastSequence }
    }
    case 'conflict':
      throw new ArtifactError('internal', `the new package id ${id} was taken`)
  }
}

/** A caller's keys are its own: they never meet those of another token. */
function appendKey(caller: Caller, idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return crypto.randomUUID()
  if (!/^[\x21-\x7e]{1,100}$/.test(idempotencyKey)) {
    throw new ArtifactError('invalid-request', 'the Idempotency-Key has to be 1 to 100 visible ASCII characters')
  }
  return `create-package:${caller.tokenId}:${idempotencyKey}`
}
