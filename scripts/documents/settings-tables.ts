import { cliSettings } from '../../packages/cli/src/config.ts'
import { embeddedSettings } from '../../packages/embedded/src/config.ts'
import { describeSettings, type SettingDescription } from '../../packages/service/src/describe-settings.ts'
import { tracingConfig } from '../../packages/service/src/tracing/tracing-settings.ts'
import { copyConfig } from '../../services/copy-blobs/src/config.ts'
import { gatewayConfig } from '../../services/gateway/src/config.ts'
import { logWriterConfig } from '../../services/log-writer/src/config.ts'
import { migrateConfig } from '../../services/migrate/src/config.ts'
import { projectorConfig } from '../../services/projector/src/config.ts'
import { markdownTable } from './markdown-table.ts'

/** The settings of every process as tables, by the name under which docs/OPERATIONS.md asks for them. */
export function settingsTables(): Readonly<Record<string, string>> {
  const services = { 'log-writer': logWriterConfig, projector: projectorConfig, gateway: gatewayConfig }
  const described = Object.entries(services).map(([service, schema]) => ({ service, settings: describeSettings(schema) }))
  const tracing = describeSettings(tracingConfig)
  const isTracing = ({ name }: SettingDescription) => tracing.some(setting => setting.name === name)
  const shared = sharedSettings(described)
  const isShared = ({ name }: SettingDescription) => shared.some(setting => setting.name === name)
  return {
    'every service': table(shared.filter(setting => !isTracing(setting))),
    tracing: table(tracing),
    ...Object.fromEntries(
      described.map(({ service, settings }) => [service, table(settings.filter(setting => !isShared(setting)))]),
    ),
    'copy-blobs': table(describeSettings(copyConfig)),
    migrate: table(describeSettings(migrateConfig)),
    embedded: table(describeSettings(embeddedSettings)),
    cli: table(Object.entries(cliSettings).map(([name, setting]) => ({ name, isRequired: false, ...setting }))),
  }
}

interface Described {
  readonly service: string
  readonly settings: readonly SettingDescription[]
}

/** Those that mean the same to every service; where they have another default each, all of these. */
function sharedSettings([first, ...others]: readonly Described[]): SettingDescription[] {
  if (first === undefined) return []
  return first.settings.flatMap(setting => {
    const theirs = others.map(({ service, settings }) => ({
      service,
      setting: settings.find(({ name }) => name === setting.name),
    }))
    if (theirs.some(their => their.setting?.meaning !== setting.meaning)) return []
    const all = [{ service: first.service, setting }, ...theirs]
    if (all.every(one => one.setting?.fallback === setting.fallback)) return [setting]
    return [{ ...setting, fallback: all.map(one => `${one.setting?.fallback} (${one.service})`).join(', ') }]
  })
}

function table(settings: readonly SettingDescription[]): string {
  return markdownTable(
    ['variable', 'default', 'takes', 'meaning'],
    settings.map(({ name, fallback, isRequired, takes, meaning }) => [
      `\`${name}\``,
      isRequired ? 'required' : (fallback ?? ''),
      takes,
      meaning,
    ]),
  )
}
