import { z } from 'zod'
import { maxLabels } from '../labels.ts'
import { defineEvent } from './define.ts'
import { labelKey, labels } from './fields.ts'

export const packageLabelled = defineEvent({
  type: 'v1.package.labelled',
  subject: 'package',
  meaning: 'Labels of a package were set or removed; its manifest stays as it was.',
  payload: z.strictObject({
    set: labels,
    remove: z.array(labelKey).max(maxLabels),
  }),
})
