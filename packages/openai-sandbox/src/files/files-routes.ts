import { wrongValue } from '../http/api-error.js';
import { page, readLimit } from '../http/paging.js';
import { ok, type Route } from '../http/router.js';
import { fileObject, type FileStore } from './file-store.js';
import { receiveUpload } from './upload.js';

const MOST_LISTED = 10_000;

/** /v1/files: upload, list, retrieve, delete, content. */
export function fileRoutes(files: FileStore): Route[] {
  return [
    {
      method: 'POST',
      pattern: '/v1/files',
      body: 'stream',
      handle: async ({ request }) => ok(fileObject(await receiveUpload(request, files))),
    },
    {
      method: 'GET',
      pattern: '/v1/files',
      body: 'none',
      handle: async ({ query }) => {
        const order = query.get('order') ?? 'desc';
        if (order !== 'asc' && order !== 'desc') throw wrongValue('order', order, ['asc', 'desc']);
        const purpose = query.get('purpose');
        const all = files.list().filter((file) => purpose === null || file.purpose === purpose);
        const limit = readLimit(query, MOST_LISTED, MOST_LISTED);
        const inOrder = order === 'asc' ? all : all.toReversed();
        return Promise.resolve(ok(page(inOrder, query.get('after'), limit, fileObject)));
      },
    },
    {
      method: 'GET',
      pattern: '/v1/files/:id',
      body: 'none',
      handle: async ({ params }) => Promise.resolve(ok(fileObject(files.require(params['id'] ?? '')))),
    },
    {
      method: 'DELETE',
      pattern: '/v1/files/:id',
      body: 'none',
      handle: async ({ params }) => {
        const { id } = files.require(params['id'] ?? '');
        await files.delete(id);
        return ok({ id, object: 'file', deleted: true });
      },
    },
    {
      method: 'GET',
      pattern: '/v1/files/:id/content',
      body: 'none',
      // Ranges are not documented for this endpoint: the whole file comes, whatever part is asked for.
      handle: async ({ params }) => {
        const { id, bytes } = files.require(params['id'] ?? '');
        return Promise.resolve({ status: 200, body: { stream: files.read(id), bytes } });
      },
    },
  ];
}
