import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { readerKeyId } from '../auth/caller.js';
import type { LotFilter } from '../jobs/lot-filter-store.js';
import { preferredType } from './accept.js';
import type { DownloadQuery, ResultsQuery } from './results.dto.js';
import { ResultsService, type ResultsAnswer } from './results.service.js';
import type { ResultsFormat } from './results-text.js';
import { sendResults } from './send-results.js';

const TYPES = ['application/json', 'application/x-ndjson'] as const;

/** Answers requests for results: which format, and whether as a file. */
@Injectable()
export class ResultsResponder {
  constructor(private readonly results: ResultsService) {}

  async answer(request: Request, response: Response, jobId: string, query: ResultsQuery): Promise<void> {
    const format = preferredType(request.headers.accept, TYPES) === 'application/x-ndjson' ? 'ndjson' : 'json';
    await sendResults(request, response, await this.open(request, jobId, query, format));
  }

  async download(request: Request, response: Response, jobId: string, query: DownloadQuery): Promise<void> {
    const format = query.format ?? 'json';
    const answer = await this.open(request, jobId, query, format);
    const fileName = answer.kind === 'results' ? `batch_results_${answer.jobId}.${format}` : undefined;
    await sendResults(request, response, answer, fileName === undefined ? {} : { fileName });
  }

  private open(request: Request, jobId: string, query: ResultsQuery, format: ResultsFormat): Promise<ResultsAnswer> {
    return this.results.open({
      jobId,
      keyId: readerKeyId(request),
      format,
      partial: query.partial === 'true',
      lotIds: query.lot_id,
      filter: filterOf(query),
      after: query.after,
      limit: query.limit,
    });
  }
}

function filterOf({ status, code, needs_review: needsReview }: ResultsQuery): LotFilter {
  return {
    ...(status !== undefined && { statuses: status }),
    ...(code !== undefined && { codes: code }),
    ...(needsReview !== undefined && { needsReview: needsReview === 'true' }),
  };
}
