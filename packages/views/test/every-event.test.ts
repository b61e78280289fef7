import { catalogue, type EventType, type NewEvent, newPackageId } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import { findBlob, findPackage, findToken } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { added, created, digestOf, event, file, finalized, stored } from './events.ts'
import { dumpViews, useTestViews } from './test-views.ts'

const views = await useTestViews()

// One of each type, as they come in a random history: whoever adds a type to the catalogue adds it there too, or it does not compile.
const samples = new Map<string, NewEvent>(randomHistory({ seed: 31, length: 2000 }).map(sample => [sample.eventType, sample]))
const types = Object.keys(catalogue) as EventType[]
const about = (kind: string) => types.filter(type => catalogue[type].subject === kind)

describe('every type of event', () => {
  it.each(about('package').filter(type => type !== 'v1.package.created'))(
    'about a package moves its revision: %s',
    async type => {
      const id = newPackageId()
      const sample = sampleOf(type)
      const [, second] = await views.show(created(id), { ...sample, subjectId: id })
      expect(await findPackage(views.db, id)).toMatchObject({ revision: 2, updatedAt: second?.createdAt })
    },
  )

  it.each(about('blob').filter(type => type !== 'v1.blob.stored'))('about a blob moves its revision: %s', async type => {
    await views.show(stored('x'), { ...sampleOf(type), subjectId: digestOf('x') })
    expect(await findBlob(views.db, digestOf('x'))).toMatchObject({ revision: 2 })
  })

  it.each(about('token').filter(type => type !== 'v1.token.issued'))('about a token moves its revision: %s', async type => {
    const issued = sampleOf('v1.token.issued')
    const id = issued.subjectId as Parameters<typeof findToken>[1]
    await views.show(issued, { ...sampleOf(type), subjectId: id })
    expect(await findToken(views.db, id)).toMatchObject({ revision: 2 })
  })

  it.each(types.filter(type => !['v1.package.created', 'v1.blob.stored', 'v1.token.issued'].includes(type)))(
    'about something that never was shows nothing and stops nothing: %s',
    async type => {
      await views.show(sampleOf(type))
      const { checkpoints, package_files: _, ...rows } = await dumpViews(views.reader)
      expect(Object.values(rows).flat()).toEqual([])
      expect(checkpoints).toMatchObject([{ position: '1' }])
    },
  )

  it('leaves the revision of a package alone when it is about something else', async () => {
    const id = newPackageId()
    await views.show(
      created(id),
      event('v1.hold.placed', 'hold-1', { packageId: id, reason: 'audit', person: 'eve' }),
      event('v1.alias.set', 'latest', { packageId: id }),
      stored('x'),
    )
    expect(await findPackage(views.db, id)).toMatchObject({ revision: 1 })
  })

  it('moves the revision by each event of a batch', async () => {
    const id = newPackageId()
    const files = [file('a')]
    await views.show(created(id), ...Array.from({ length: 9 }, () => ({ ...sampleOf('v1.package.linked'), subjectId: id })))
    await views.show(added(id, ...files), finalized(id, files))
    expect(await findPackage(views.db, id)).toMatchObject({ revision: 12, state: 'finalized' })
  })
})

function sampleOf(type: EventType): NewEvent {
  const sample = samples.get(type)
  if (!sample) throw new Error(`the random history has no ${type}`)
  return sample
}
