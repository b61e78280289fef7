import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Cluster } from '@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster'
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Namespace, Service } from 'kubernetes-models/v1'
import { describe, expect, inject, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { gatewayConfig } from '../../services/gateway/src/config.ts'
import { logWriterConfig } from '../../services/log-writer/src/config.ts'
import { migrateConfig } from '../../services/migrate/src/config.ts'
import { projectorConfig } from '../../services/projector/src/config.ts'

const place = join(import.meta.dirname, '..', 'kubernetes')
const kinds = {
  Cluster,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Service,
  StatefulSet,
} as const
const settings = { migrate: migrateConfig, projector: projectorConfig, 'log-writer': logWriterConfig, gateway: gatewayConfig }
/** Not ours, and read by what we stand on. */
const otherSettings = ['AWS_SHARED_CREDENTIALS_FILE']

const manifest = z.looseObject({
  kind: z.enum(Object.keys(kinds) as [keyof typeof kinds]),
  metadata: z.looseObject({ name: z.string() }),
})
const workload = z.looseObject({
  metadata: z.looseObject({ name: z.enum(Object.keys(settings) as [keyof typeof settings]) }),
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        containers: z.tuple([
          z.looseObject({
            image: z.string(),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
            securityContext: z.unknown(),
          }),
        ]),
        securityContext: z.unknown(),
      }),
    }),
  }),
})
const kustomization = z.looseObject({
  resources: z.array(z.string()),
  images: z.array(z.looseObject({ name: z.string() })),
  secretGenerator: z.array(z.looseObject({ name: z.string(), files: z.array(z.string()) })),
})

describe('the manifests for Kubernetes', async () => {
  const { resources, images, secretGenerator } = kustomization.parse(await yamlOf('kustomization.yaml'))
  const documents = (await Promise.all(resources.map(manifestsOf))).flat()
  const workloads = documents.flatMap(({ document }) => {
    const parsed = workload.safeParse(document)
    return parsed.success ? [parsed.data] : []
  })

  it.each(documents)('have $kind $name as the API server takes it', ({ kind, document }) => {
    new kinds[kind](document as never).validate()
  })

  it('are all there: each file is named, and each service runs', async () => {
    const apart = ['kustomization.yaml', 'nats-values.yaml']
    const files = (await readdir(place)).filter(name => name.endsWith('.yaml') && !apart.includes(name))
    expect([...resources].sort(byText)).toEqual(files.sort(byText))
    expect(workloads.map(({ metadata }) => metadata.name).sort(byText)).toEqual(Object.keys(settings).sort(byText))
    expect(images.map(({ name }) => name).sort(byText)).toEqual(
      workloads.map(({ spec }) => spec.template.spec.containers[0].image).sort(byText),
    )
  })

  it.each(workloads.map(one => [one.metadata.name, one.spec.template.spec.containers[0]] as const))(
    'give %s only settings that it has, and no file that it is not given',
    (name, { env }) => {
      const known = Object.keys(settings[name].shape)
      const given = secretGenerator.find(secret => secret.name === name)?.files.map(nameInSecret) ?? []
      for (const variable of env) {
        if (!otherSettings.includes(variable.name)) expect(known).toContain(variable.name.replace(/_FILE$/, ''))
        if (variable.name.endsWith('_FILE')) expect(given).toContain(variable.value?.replace('/run/artifact-store/', ''))
      }
      expect(env.map(variable => variable.name.replace(/_FILE$/, ''))).toEqual(expect.arrayContaining(requiredOf(name)))
    },
  )

  it.each(workloads.map(one => [one.metadata.name, one.spec.template.spec] as const))(
    'let %s do nothing that it need not',
    (_, pod) => {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    },
  )

  it('name the files that the secrets are made into, and those have no line break where nobody takes it off', async () => {
    const directory = join(inject('artifactStore').directory, 'kubernetes-secrets')
    await promisify(execFile)(process.execPath, [join(place, 'make-secrets.ts'), directory])
    for (const { files } of secretGenerator) {
      for (const file of files) {
        const path = file.replace(/^[^=]*=/, '').replace(/^secrets\//, '')
        const text = await readFile(join(directory, path), 'utf8')
        expect(text.trim()).not.toBe('')
        if (path.startsWith('exact/')) expect(text).toBe(text.trim())
      }
    }
  })
})

it('the chart of NATS gives every user what the server of docker compose gives', async () => {
  const users = z
    .looseObject({
      config: z.looseObject({
        merge: z.looseObject({
          accounts: z.looseObject({
            ARTIFACT_STORE: z.looseObject({ users: z.array(z.looseObject({ user: z.string(), permissions: z.unknown() })) }),
          }),
        }),
      }),
    })
    .parse(await yamlOf('nats-values.yaml')).config.merge.accounts.ARTIFACT_STORE.users
  const compose = await readFile(join(place, '..', 'nats', 'users.conf'), 'utf8')
  for (const { user, permissions } of users) {
    const from = compose.indexOf(`user: ${user}`)
    const block = compose.slice(from, compose.indexOf('user: ', from + 6) >>> 0)
    expect(subjectsIn(JSON.stringify(permissions)), user).toEqual(subjectsIn(block))
  }
  expect(users.map(({ user }) => user)).toEqual([...compose.matchAll(/user: (\w+)/g)].map(([, user]) => user))
})

async function yamlOf(file: string): Promise<unknown> {
  return parse(await readFile(join(place, file), 'utf8'))
}

async function manifestsOf(file: string) {
  const documents = parseAllDocuments(await readFile(join(place, file), 'utf8'))
  return documents.map(one => {
    const document = manifest.parse(one.toJS())
    return { kind: document.kind, name: document.metadata.name, document }
  })
}

function nameInSecret(file: string): string {
  return file.includes('=') ? file.slice(0, file.indexOf('=')) : file.slice(file.lastIndexOf('/') + 1)
}

/** The settings without which a service does not start. */
function requiredOf(name: keyof typeof settings): string[] {
  return Object.entries(settings[name].shape).flatMap(([setting, schema]) =>
    schema.safeParse(undefined).success ? [] : [setting],
  )
}

function subjectsIn(text: string): string[] {
  return [...text.matchAll(/"([^"]*[.>][^"]*)"/g)].map(([, subject]) => String(subject)).sort(byText)
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
