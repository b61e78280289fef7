import type { BackendReport } from '@artifact-store/blobs'
import { z } from 'zod'

export const backendsDocument = z.object({
  backends: z.array(
    z.object({
      address: z.string().describe('Its URL, without secrets'),
      trouble: z.string().optional().describe('Why it cannot be used at present, as far as this gateway knows without asking it'),
      examinedAt: z.iso.datetime().optional().describe('When its capabilities were last tried; none is used before that'),
      capabilities: z
        .array(
          z.object({
            capability: z.string().describe('What servers of the same protocol differ in'),
            works: z.boolean().describe('Whether it was seen to work; it is not used where not'),
            seen: z.string().describe('What was seen'),
          }),
        )
        .describe('Empty for a backend that is known to do all it should, as a directory'),
    }),
  ),
})

export function toBackendsDocument(reports: readonly BackendReport[]): z.output<typeof backendsDocument> {
  return {
    backends: reports.map(({ address, trouble, examinedAt, findings }) => ({
      address,
      ...(trouble === undefined ? {} : { trouble }),
      ...(examinedAt === undefined ? {} : { examinedAt: examinedAt.toISOString() }),
      capabilities: findings.map(({ capability, works, seen }) => ({ capability, works, seen })),
    })),
  }
}
