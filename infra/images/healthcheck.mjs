// Whether the service in this container can do its work; what it says of itself goes to the health log of the container engine
// (docker inspect). Plain JavaScript, and by node:http rather than fetch, since it is started every few seconds.
import { get } from 'node:http'

const request = get({ host: '127.0.0.1', port: process.env.PORT, path: '/health/ready', timeout: 4000 }, response => {
  response.pipe(process.stdout)
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
request.on('timeout', () => request.destroy(new Error('no answer within 4 s')))
request.on('error', error => {
  process.stdout.write(error.message)
  process.exitCode = 1
})
