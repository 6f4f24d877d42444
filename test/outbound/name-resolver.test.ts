import { createSocket } from 'node:dgram';
import { promises as dns, type LookupAddress } from 'node:dns';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NameResolver } from '../../src/outbound/name-resolver.js';

type Records = readonly string[] | 'silent';
/** Name to what the server answers for A and AAAA; a name that is missing does not exist. */
type Zone = Readonly<Record<string, { readonly a?: Records; readonly aaaa?: Records }>>;

/** A real name server on loopback. */
async function serveDns(zone: Zone): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, peer) => {
    const answer = answerTo(question, zone);
    if (answer !== null) socket.send(answer, peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    socket.close();
  });
  return `127.0.0.1:${socket.address().port}`;
}

function answerTo(question: Buffer, zone: Zone): Buffer | null {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = question.readUInt16BE(at + 1);
  const records = zone[labels.join('.')];
  const found = (type === 1 ? records?.a : records?.aaaa) ?? [];
  if (found === 'silent') return null;
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(records === undefined ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(found.length, 6);
  header.writeUInt32BE(0, 8);
  const answers = found.map((address) => {
    const data = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
    return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]), data]);
  });
  return Buffer.concat([header, question.subarray(12, at + 5), ...answers]);
}

/** Of the full form only: eight groups. */
function ipv6Bytes(address: string): Buffer {
  const groups = address.split(':').map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex');
}

/** The resolver as it is, but with name servers of the test and no patience. */
function resolverWith(servers: () => string): NameResolver {
  class LoopbackResolver extends NameResolver {
    protected override open(): dns.Resolver {
      const resolver = new dns.Resolver({ timeout: 50, tries: 1 });
      resolver.setServers([servers()]);
      return resolver;
    }

    override async resolveBySystem(): Promise<readonly LookupAddress[]> {
      return [{ address: '192.0.2.99', family: 4 }];
    }
  }
  return new LoopbackResolver();
}

const V6 = '2606:4700:0:0:0:0:0:1';

describe('NameResolver', () => {
  it('NameResolver returns every address of both families, IPv4 first', async () => {
    const server = await serveDns({ 'two.test': { a: ['8.8.8.8', '127.0.0.1'], aaaa: [V6] } });
    expect(await resolverWith(() => server).resolve('two.test')).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '127.0.0.1', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
  });

  it('NameResolver is content with AAAA only', async () => {
    const server = await serveDns({ 'six.test': { aaaa: [V6] } });
    expect(await resolverWith(() => server).resolve('six.test')).toEqual([{ address: '2606:4700::1', family: 6 }]);
  });

  it('NameResolver gives the A answer although the server never answers for AAAA', async () => {
    const server = await serveDns({ 'half.test': { a: ['8.8.8.8'], aaaa: 'silent' } });
    expect(await resolverWith(() => server).resolve('half.test')).toEqual([{ address: '8.8.8.8', family: 4 }]);
  });

  it.each([
    ['missing.test', 'ENOTFOUND'],
    ['empty.test', 'ENODATA'],
    ['silent.test', 'ETIMEOUT'],
  ])('NameResolver fails for %s with %s', async (name, code) => {
    const server = await serveDns({ 'empty.test': {}, 'silent.test': { a: 'silent', aaaa: 'silent' } });
    await expect(resolverWith(() => server).resolve(name)).rejects.toMatchObject({ code });
  });

  it('NameResolver learns of new name servers after the old ones fell silent', async () => {
    const silent = await serveDns({ 'a.test': { a: 'silent', aaaa: 'silent' } });
    const working = await serveDns({ 'a.test': { a: ['8.8.8.8'] } });
    let server = silent;
    const resolver = resolverWith(() => server);
    server = working;
    await expect(resolver.resolve('a.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(await resolver.resolve('a.test')).toEqual([{ address: '8.8.8.8', family: 4 }]);
  });

  it('NameResolver asks the system only where no name server can be reached', async () => {
    const gone = await new Promise<string>((resolve) => {
      const socket = createSocket('udp4').bind(0, '127.0.0.1', () => {
        const { port } = socket.address();
        socket.close(() => resolve(`127.0.0.1:${port}`));
      });
    });
    expect(await resolverWith(() => gone).resolve('a.test')).toEqual([{ address: '192.0.2.99', family: 4 }]);
  });

  it('NameResolver reads the hosts file for names that the operator listed', async () => {
    const found = await new NameResolver().resolveBySystem('localhost');
    expect(found.map(({ address }) => address)).toContain('127.0.0.1');
  });
});
