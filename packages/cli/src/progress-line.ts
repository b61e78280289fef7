import { count, formatBytes, formatSeconds } from './sizes.ts'
import { displayWidth } from './table.ts'

/** What a progress bar shows. */
export interface Progress {
  readonly label: string
  /** How much of the work is done, 0 to 1. */
  readonly fraction: number
  readonly filesDone: number
  readonly filesTotal: number
  readonly bytesDone: number
  readonly bytesTotal: number
}

const barColumns = 24

/**
 * One line of progress, at most `columns` wide: label, bar, percent, bytes, files, speed, time left. What does not fit is left out from the
 * end; the label always stays.
 * @param elapsedSeconds since the work began.
 */
export function renderProgress(progress: Progress, elapsedSeconds: number, columns: number): string {
  const { label, filesDone, filesTotal, bytesDone, bytesTotal } = progress
  const fraction = Math.min(1, Math.max(0, progress.fraction))
  const full = Math.round(fraction * barColumns)
  const parts = [
    `${'█'.repeat(full)}${'░'.repeat(barColumns - full)}`,
    // Never 100 % before the end.
    `${String(Math.floor(fraction * 100)).padStart(3)} %`,
    `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
    `${filesDone} of ${count(filesTotal, 'file')}`,
    ...(elapsedSeconds >= 1 ? [`${formatBytes(Math.round(bytesDone / elapsedSeconds))}/s`] : []),
    ...(elapsedSeconds >= 2 && fraction > 0.01 && fraction < 1
      ? [`${formatSeconds((elapsedSeconds / fraction) * (1 - fraction))} left`]
      : []),
  ]
  let line = label
  for (const part of parts) {
    if (displayWidth(line) + 2 + displayWidth(part) > columns) break
    line += `  ${part}`
  }
  return line
}

/** The same for where nothing can be drawn over: a log of a build. */
export function plainProgress(progress: Progress): string {
  const { label, fraction, filesDone, filesTotal, bytesDone, bytesTotal } = progress
  return `${label}: ${Math.floor(fraction * 100)} %, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}, ${filesDone} of ${count(filesTotal, 'file')}`
}
