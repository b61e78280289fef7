import { isArtifactError } from '@artifact-store/client'
import { printable } from './printable.ts'

/** What a failure is to the person at the keyboard: sentences, never a stack trace. */
export function sentenceOf(error: unknown): string {
  if (isArtifactError(error)) return error.message.split('\n').map(printable).join('\n')
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const place = 'path' in error && typeof error.path === 'string' ? ` ${printable(error.path)}` : ''
    const meaning = meanings.get(error.code)
    if (meaning !== undefined) return `${meaning}${place}`
  }
  return `something went wrong that should not: ${printable(error instanceof Error ? error.message : String(error))}`
}

const meanings = new Map([
  ['EACCES', 'you are not permitted to read or write'],
  ['EDQUOT', 'the disk quota is used up; free some space, then do it again:'],
  ['EEXIST', 'there is something else at'],
  ['EIO', 'the disk does not read or write as it should at'],
  ['EISDIR', 'there is a directory at'],
  ['EMFILE', 'too many files are open; give a smaller --concurrency:'],
  ['ENAMETOOLONG', 'the file system does not take so long a name:'],
  ['ENOENT', 'there is no'],
  ['ENOSPC', 'no space is left on the disk; free some, then do it again:'],
  ['ENOTDIR', 'there is a file where a directory is needed:'],
  ['EPERM', 'the system does not permit this with'],
  ['EROFS', 'the disk can only be read:'],
])
