export { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
export { acceptBody } from './accept-body.ts'
export { type App, type AppOptions, createApp } from './app.ts'
export { type AppEnv, outgoingOf } from './app-env.ts'
export { type RetryOptions, retry } from './backoff.ts'
export { type ConfigSchema, type Environment, loadConfig, type ProcessConfig, processSettings } from './config.ts'
export { isConnectionError } from './connection-error.ts'
export { contradiction } from './contradiction.ts'
export { type DirectHandler, type DirectRoute, mountDirect } from './direct-route.ts'
export {
  type CheckResult,
  type CheckState,
  Health,
  type HealthOptions,
  type Probe,
  type Readiness,
  type Warning,
} from './health.ts'
export { type HttpServer, type HttpServerOptions, listenHttp } from './http-server.ts'
export { type JsonBodyOptions, readJson } from './json-body.ts'
export { type Led, leadersNow } from './leaders-now.ts'
export { type LeadOptions, lead, leaderLocks, leadNow } from './leadership.ts'
export { type ListenOptions, listen } from './listen.ts'
export { createLogger, type Logger } from './logger.ts'
export { createMetrics, leadingGauge } from './metrics.ts'
export { connectNats, type Nats } from './nats.ts'
export { openPool, type Pool, type PoolClient, type PoolOptions } from './postgres.ts'
export { invalidFields, type Problem, type ProblemDocument, problemHeaders, problemOf, problems, problemType } from './problem.ts'
export { problemResponse, writeProblem } from './problem-response.ts'
export { currentRequest, inRequest, joinRequests, type RequestContext, requestHeaders } from './request-context.ts'
export { run, type Scope, type Served, type Service } from './run.ts'
export { Secret } from './secret.ts'
export * from './settings.ts'
export { contextOf, type SpanStart, spanFailed, type Tracing, traceparentOf } from './tracing/tracing.ts'
export { version } from './version.ts'
export { waitForPostgres } from './wait-for-postgres.ts'
export { startWakeUps, type WakeUpSources } from './wake-ups.ts'
