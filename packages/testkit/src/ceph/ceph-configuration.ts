/** Where the parts of one small Ceph cluster are. */
export interface CephPlaces {
  readonly directory: string
  readonly monitorPort: number
  readonly gatewayPort: number
  /** A UUID. */
  readonly cluster: string
}

const gibibyte = 1024 ** 3

/**
 * The configuration of a cluster of one monitor, one store in memory and one gateway, on the loopback address: no copies, as
 * few placement groups and shards as there can be, no authentication that is not used.
 */
export function cephConfiguration({ directory, monitorPort, gatewayPort, cluster }: CephPlaces): string {
  return section('global', {
    fsid: cluster,
    'mon host': `v1:127.0.0.1:${monitorPort}`,
    'mon initial members': 'a',
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'ms bind msgr2': 'false',
    keyring: `${directory}/keyring`,
    'run dir': directory,
    'crash dir': directory,
    'log file': `${directory}/$name.log`,
    'admin socket': `${directory}/$name.asok`,
    'osd pool default size': '1',
    'osd pool default min size': '1',
    'osd pool default pg num': '1',
    'osd pool default pgp num': '1',
    'osd pool default pg autoscale mode': 'off',
    'osd crush chooseleaf type': '0',
    'mon allow pool size one': 'true',
    'mon max pg per osd': '1000',
  })
    .concat(
      section('mon', {
        'mon data': `${directory}/mon`,
        'mon data avail crit': '1',
        'mon data avail warn': '2',
        'mon osd min up ratio': '0',
        'paxos propose interval': '0.05',
        'auth allow insecure global id reclaim': 'true',
      }),
    )
    .concat(
      section('osd', {
        'osd data': `${directory}/osd`,
        'osd objectstore': 'memstore',
        'memstore device bytes': String(4 * gibibyte),
        'osd max object name len': '2048',
        'osd class load list': '*',
        'osd class default list': '*',
      }),
    )
    .concat(
      section('client.rgw', {
        'rgw frontends': `beast endpoint=127.0.0.1:${gatewayPort}`,
        // So that a few mebibytes make a large blob.
        'rgw multipart min part size': String(1024 * 1024),
        'rgw data log num shards': '1',
        'rgw md log max shards': '1',
        'rgw gc max objs': '1',
        'rgw lc max objs': '1',
        'rgw objexp hints num shards': '1',
        'rgw usage max shards': '1',
        'rgw thread pool size': '32',
        'rgw dynamic resharding': 'false',
        'rgw override bucket index max shards': '1',
      }),
    )
}

function section(name: string, settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`)
  return `[${name}]\n${lines.join('')}`
}
