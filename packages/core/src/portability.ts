import type { ArtifactPath } from './artifact-path.ts'

/** What makes a legal path trouble on some system. */
export interface PortabilityWarning {
  readonly rule: 'trailing-dot-or-space' | 'reserved-name' | 'reserved-character'
  readonly segment: string
  /** A sentence for a person. */
  readonly message: string
}

/** What in the path Windows could not store under that name. Empty for a path that is fine everywhere; nothing here is refused. */
export function portabilityWarnings(path: ArtifactPath): PortabilityWarning[] {
  return path.split('/').flatMap(warningsAbout)
}

/** Two paths with the same key are one file where case does not matter (Windows, macOS). */
export function portabilityKey(path: ArtifactPath): string {
  // Upper case first: it folds what has no single lower-case letter, such as ß and SS.
  return path.toUpperCase().toLowerCase().normalize('NFC')
}

function warningsAbout(segment: string): PortabilityWarning[] {
  const warnings: PortabilityWarning[] = []
  const warn = (rule: PortabilityWarning['rule'], why: string) => warnings.push({ rule, segment, message: `"${segment}" ${why}` })
  if (/[. ]$/.test(segment)) warn('trailing-dot-or-space', 'ends in a dot or a space, which Windows drops')
  // With any extension they still name the device: `aux.txt` is AUX.
  if (/^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i.test(segment))
    warn('reserved-name', 'is the name of a device on Windows')
  if (/[<>:"|?*]/.test(segment)) warn('reserved-character', 'holds one of < > : " | ? *, which Windows does not allow')
  return warnings
}
