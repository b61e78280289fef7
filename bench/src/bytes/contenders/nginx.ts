import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@artifact-store/embedded'
import { type Contender, expectStatus } from '../contender.ts'
import { programAt, startChild } from './child.ts'

/** nginx as a WebDAV and static file server: neither hashes nor flushes. Undefined where it is not installed. */
export async function startNginx(directory: string): Promise<Contender | undefined> {
  const program = programAt('/usr/sbin/nginx')
  const dav = programAt(
    '/usr/share/nginx/modules-available/mod-http-dav-ext.conf',
    '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so',
  )
  if (!(program && dav)) return undefined
  const port = await freePort()
  for (const name of ['files', 'body', 'other']) await mkdir(join(directory, name), { recursive: true })
  const other = ['proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${directory}/other;`).join(' ')
  await writeFile(
    join(directory, 'nginx.conf'),
    `user root; daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr error;
     events { worker_connections 1024; }
     http {
       access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_max_body_size 0;
       client_body_temp_path ${directory}/body; ${other}
       server { listen 127.0.0.1:${port}; root ${directory}/files; location / { dav_methods PUT; create_full_put_path on; } }
     }`,
  )
  const child = await startChild(program, ['-c', join(directory, 'nginx.conf'), '-p', directory], port)
  return {
    name: 'nginx',
    port,
    pid: child.pid,
    mover: child.pid,
    async put(connection, { name, pieces }) {
      // As many directories as ours spread blobs over would be unusual for it; one for a thousand files is kind.
      const path = `/${name.slice(0, -3)}/${name}`
      expectStatus('the put', await connection.call({ method: 'PUT', path, headers: {}, body: pieces }), 201, 204)
      return path
    },
    async get(connection, path) {
      const answer = await connection.call({ method: 'GET', path, headers: {} })
      expectStatus('the get', answer, 200)
      return answer.length
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
