import { z } from 'zod'
import { type NamedStore, roles } from '../stores/named-store.ts'

export const backendsDocument = z.object({
  backends: z.array(
    z.object({
      name: z.string().describe('What it is called, also by `artifact admin migrate`'),
      role: z
        .enum(roles)
        .describe(
          '`primary`: takes what is put, and is read first. `replica`: takes it too, before it is acknowledged, and is read where that one fails. `older`: takes nothing, and is read last',
        ),
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

export function toBackendsDocument(stores: readonly NamedStore[]): z.output<typeof backendsDocument> {
  return {
    backends: stores.map(({ name, role, store }) => {
      const { address, trouble, examinedAt, findings } = store.report()
      return {
        ...{ name, role, address },
        ...(trouble === undefined ? {} : { trouble }),
        ...(examinedAt === undefined ? {} : { examinedAt: examinedAt.toISOString() }),
        capabilities: findings.map(({ capability, works, seen }) => ({ capability, works, seen })),
      }
    }),
  }
}
