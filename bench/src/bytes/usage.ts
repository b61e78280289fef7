import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** What Linux counts a second of processor time in (`getconf CLK_TCK`). */
const ticksPerSecond = 100

/** Processor time that the process and all below it have taken, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const processes = new Map<number, { parent: number; ticks: number }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // utime, stime, and those of children that have ended.
      const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
      processes.set(Number(name), { parent: Number(fields[1]), ticks })
    } catch {
      // It has just ended.
    }
  }
  let ticks = 0
  for (const [each] of processes) if (isBelow(each, pid, processes)) ticks += processes.get(each)?.ticks ?? 0
  return ticks / ticksPerSecond
}

function isBelow(each: number, pid: number, processes: ReadonlyMap<number, { parent: number }>): boolean {
  for (let up: number | undefined = each; up !== undefined && up > 1; up = processes.get(up)?.parent) if (up === pid) return true
  return false
}

/** Forgets the peak so far. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most memory that was resident since then, in millions of bytes. */
export function peakMegabytesOf(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kib) * 1024) / 1e6
}

/** The process below `pid` whose command line has that text; the one that moves the bytes, say. */
export function findBelow(pid: number, text: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== pid) continue
      if (readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text)) return Number(name)
    } catch {
      // It has just ended.
    }
  }
  throw new Error(`no process with "${text}" runs below ${pid}`)
}
