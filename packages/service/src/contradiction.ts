import { z } from 'zod'

/**
 * A check for a configuration schema: settings that are right one by one and contradict one another. The mistake is told of the first of them, and
 * together with those of all other settings.
 */
export function contradiction<C>(
  names: readonly [keyof C & string, keyof C & string],
  contradict: (config: C) => boolean,
  message: string,
): z.core.$ZodCheck<C> {
  return z.refine((config: C) => !contradict(config), {
    error: message,
    path: [names[0]],
    // Not only when everything else is right, which is zod's default: these settings have to be, and no other.
    when: ({ issues }) => !issues.some(({ path }) => names.some(name => name === path?.[0])),
  })
}
