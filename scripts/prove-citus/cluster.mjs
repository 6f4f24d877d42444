// Databases on a coordinator with data nodes: each database is one of its own on every node, with the extension in it.
import pg from 'pg';

const OBJECT_IN_USE = '55006';

export class CitusCluster {
  /** @param url - a superuser's URL of a database on the coordinator to which its data nodes were added */
  static async at(url) {
    const rows = await withClient(url, (client) =>
      client.query(
        `select groupid, nodename as host, nodeport as port, shouldhaveshards as data from pg_dist_node
          where noderole = 'primary' order by groupid`,
      ),
    );
    return new CitusCluster(url, rows.rows);
  }

  constructor(url, members) {
    this.url = url;
    this.coordinator = members.find(({ groupid }) => groupid === 0);
    this.nodes = members.filter(({ groupid }) => groupid !== 0);
  }

  /**
   * An empty database on every member, or a copy of another one with all its shards.
   * @param addresses - where the coordinator finds the data nodes in this database, if not at their own addresses
   */
  async create(name, template = 'template0', addresses = this.nodes) {
    await this.everywhere(async (url) => {
      await administer(at(url, 'postgres'), `create database ${name} template ${template}`, template);
      if (template === 'template0') await withClient(at(url, name), (client) => client.query('create extension citus'));
    });
    const url = at(this.url, name);
    if (template === 'template0') {
      await withClient(url, async (client) => {
        const { hostname, port } = new URL(this.url);
        const { host, port: known } = this.coordinator ?? { host: hostname, port: Number(port) };
        await client.query('select citus_set_coordinator_host($1, $2)', [host, known]);
        for (const node of addresses) await client.query('select citus_add_node($1, $2)', [node.host, node.port]);
      });
    }
    return url;
  }

  async drop(name) {
    await this.everywhere(async (url) => {
      await withClient(at(url, name), rollBackPrepared).catch(() => {});
      await administer(at(url, 'postgres'), `drop database if exists ${name} with (force)`, name);
    });
  }

  /** The URL of the same database at a data node. */
  ofNode({ host, port }, url = this.url) {
    const node = new URL(url);
    node.hostname = host;
    node.port = String(port);
    return node.href;
  }

  /** The coordinator first. */
  async everywhere(work) {
    for (const url of [this.url, ...this.nodes.map((node) => this.ofNode(node))]) await work(url);
  }
}

export async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** What a coordinator that was killed left in doubt keeps a database from being dropped. */
async function rollBackPrepared(client) {
  const { rows } = await client.query('select gid from pg_prepared_xacts where database = current_database()');
  for (const { gid } of rows) await client.query(`rollback prepared ${client.escapeLiteral(gid)}`);
}

function at(url, database) {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/** Citus keeps a session of its own in each database, which neither a copy nor a removal may meet. */
async function administer(url, statement, database) {
  await withClient(url, async (client) => {
    for (let tries = 0; ; tries++) {
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
      try {
        return await client.query(statement);
      } catch (error) {
        if (error.code !== OBJECT_IN_USE || tries > 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
}
