/** What one look at a deployment found. */
export interface Finding {
  /** What was looked at, e.g. `views`. */
  readonly about: string
  /** `unknown`: it could not be looked at, because of something else that was found. */
  readonly verdict: 'good' | 'doubtful' | 'wrong' | 'unknown'
  readonly says: string
  /** What to do about it. */
  readonly advice?: string | undefined
}

export const good = (about: string, says: string): Finding => ({ about, verdict: 'good', says })
export const doubtful = (about: string, says: string, advice?: string): Finding => ({ about, verdict: 'doubtful', says, advice })
export const wrong = (about: string, says: string, advice?: string): Finding => ({ about, verdict: 'wrong', says, advice })
export const unknown = (about: string, says: string): Finding => ({ about, verdict: 'unknown', says })
