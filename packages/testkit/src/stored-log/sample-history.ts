import type { NewEvent } from '@artifact-store/core'
import { randomHistory } from '../random-history.ts'
import { aliasStories } from './alias-stories.ts'
import { blobStories } from './blob-stories.ts'
import { packageStories } from './package-stories.ts'
import { planStories } from './plan-stories.ts'
import { tokenStories } from './token-stories.ts'

/**
 * What the current version can write, in one history: every type of event, each optional field there and not, every variant, texts and lists as
 * short and as long as they may be; and a long random history, in which all of it is mixed. A test holds it complete.
 */
export function sampleHistory(): NewEvent[] {
  const stories = [...packageStories(), ...aliasStories(), ...blobStories(), ...planStories(), ...tokenStories()]
  return [...stories, ...randomHistory({ seed: 20_261_123, length: 600 })]
}
