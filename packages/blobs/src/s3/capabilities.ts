import type { Capability, Finding } from '../capability.ts'

/** What the code may count on: nothing until an examination has seen it. */
export class Capabilities {
  #findings: readonly Finding[] = []

  get findings(): readonly Finding[] {
    return this.#findings
  }

  found(findings: readonly Finding[]): void {
    this.#findings = findings
  }

  has(capability: Capability): boolean {
    return this.#findings.some(finding => finding.capability === capability && finding.works)
  }
}
