import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The programs that a Ceph gateway is run with, and the packages of Debian that have them. */
const programs: Readonly<Record<string, string>> = {
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  radosgw: 'radosgw',
  'radosgw-admin': 'radosgw',
  ceph: 'ceph-common',
  'ceph-authtool': 'ceph-common',
  monmaptool: 'ceph-common',
}

/** The packages whose programs are not on the path; empty where a Ceph gateway can be started. */
export function missingCephPackages(path: string): readonly string[] {
  const places = path.split(delimiter).filter(place => place !== '')
  const missing = Object.entries(programs).filter(([program]) => !places.some(place => existsSync(join(place, program))))
  return [...new Set(missing.map(([, owner]) => owner))]
}
