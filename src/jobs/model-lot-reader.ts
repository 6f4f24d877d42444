import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import type { ShardLots } from './lot-store.js';
import { isEnglishSource } from './result-store.js';
import { LOT_SQL, STAGE_STATUS, type ModelStage } from './states.js';

/** What a line of a vision file is made of. The addresses are JSON text. */
type VisionInput = [
  position: number,
  info: string | null,
  images: string,
  missing: string | null,
  photos: number,
  photoTokens: number | null,
];
interface VisionTotals {
  readonly lots: number;
  readonly images: number;
  readonly photoTokens: number;
  readonly info: number;
}

/** What a line of a translation file is made of. The English strings are JSON text. */
type TranslationInput = [position: number, strings: string];

/**
 * A lot for which the vision model has answered. `response` is set when the lot has moved on: the response it was
 * stored from.
 */
type VisionAnswered = [
  position: number,
  lotId: string,
  status: string,
  attempt: number,
  missing: string[] | null,
  reasons: string[] | null,
  images: string,
  response: string | null,
];

/** The same for a translation, with the English row that it is made from. */
type TranslationAnswered = [
  position: number,
  lotId: string,
  status: string,
  attempt: number,
  missing: string[] | null,
  reasons: string[] | null,
  strings: string,
  model: string | null,
  assessmentBytes: number | null,
  reviewBytes: number | null,
  /** The bytes of the HTML that is stored, by language. */
  stored: Readonly<Record<string, number>>,
  response: string | null,
];

/** What other texts of a described lot are written from. */
type DescribedSource = [position: number, assessment: unknown, raw: unknown, images: string[]];

/** SQL: the lots of a shard from position $2 to $3 that still await its stage. */
const awaiting = (stage: ModelStage) =>
  `l.job_id = $1 and l.position between $2 and $3 and l.attempt = $4 and l.status = ${LOT_SQL[STAGE_STATUS[stage]]}`;
const WITH_INPUT = 'batch_lots l join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position';
const WITH_ENGLISH = `batch_lots l join batch_results r on r.job_id = l.job_id and r.position = l.position and ${isEnglishSource('r')}`;

/**
 * Reads lots to make requests to the models, and to take in the models' answers. Rows come as arrays, because there are
 * many of them.
 */
@Injectable()
export class ModelLotReader {
  constructor(private readonly database: Database) {}

  /**
   * Totals over a shard's lots, summed by PostgreSQL: lots, photos, their input tokens, and characters of additional
   * information.
   * @param otherwise - tokens of one photo where a lot's are not known
   */
  async visionTotals(lots: ShardLots, otherwise: number): Promise<VisionTotals> {
    const [sum] = await this.database.query<VisionTotals & { [column: string]: unknown }>(
      `select count(*)::int as lots, coalesce(sum(l.processed_images), 0)::int as images,
         coalesce(sum(coalesce(l.photo_tokens, l.processed_images * $5::int)), 0)::float8 as "photoTokens",
         coalesce(sum(char_length(i.additional_info)), 0)::int as info
       from ${WITH_INPUT} where ${awaiting('vision')}`,
      [lots.jobId, lots.first, lots.last, lots.attempt, otherwise],
    );
    return sum ?? { lots: 0, images: 0, photoTokens: 0, info: 0 };
  }

  /** The same for translations: lots, and characters of English text. */
  async translationTotals(lots: ShardLots): Promise<{ lots: number; text: number }> {
    const [sum] = await this.database.query<{ lots: number; text: number }>(
      `select count(*)::int as lots, coalesce(sum(char_length(r.html)), 0)::int as text
       from ${WITH_ENGLISH} where ${awaiting('translation')}`,
      [lots.jobId, lots.first, lots.last, lots.attempt],
    );
    return sum ?? { lots: 0, text: 0 };
  }

  /** The next lots from position `from` on, in the order of positions. */
  visionPage(lots: ShardLots, from: number, limit: number): Promise<VisionInput[]> {
    return this.database.rows<VisionInput>(
      `select l.position, i.additional_info, i.images::text, l.missing_images::text, l.processed_images,
         l.photo_tokens
       from ${WITH_INPUT} where ${awaiting('vision')} order by l.position limit ${limit}`,
      [lots.jobId, from, lots.last, lots.attempt],
    );
  }

  translationPage(lots: ShardLots, from: number, limit: number): Promise<TranslationInput[]> {
    return this.database.rows<TranslationInput>(
      `select l.position, r.strings::text
       from ${WITH_ENGLISH} where ${awaiting('translation')} order by l.position limit ${limit}`,
      [lots.jobId, from, lots.last, lots.attempt],
    );
  }

  visionAnswered(jobId: string, positions: readonly number[]): Promise<VisionAnswered[]> {
    return this.database.rows<VisionAnswered>(
      `select l.position, l.lot_id, l.status, l.attempt, l.missing_images, l.missing_reasons, i.images::text,
          case when l.status <> ${LOT_SQL[STAGE_STATUS.vision]} then
            (select r.response_id from batch_results r where r.job_id = $1 and r.position = l.position
               and ${isEnglishSource('r')}) end
        from ${WITH_INPUT}
        where l.job_id = $1 and l.position = any($2::int[])`,
      [jobId, positions],
    );
  }

  /** @param languages - those that are translated: a row in one of them names the response that it came from */
  translationAnswered(
    jobId: string,
    positions: readonly number[],
    languages: readonly string[],
    withAssessment: boolean,
  ): Promise<TranslationAnswered[]> {
    return this.database.rows<TranslationAnswered>(
      `select l.position, l.lot_id, l.status, l.attempt, l.missing_images, l.missing_reasons, e.strings::text, e.model,
          case when $4 then octet_length(e.assessment::text) end, octet_length(e.needs_review::text),
          (select json_object_agg(r.language, octet_length(r.html)) from batch_results r
             where r.job_id = $1 and r.position = l.position and r.revision = 0),
          case when l.status <> ${LOT_SQL[STAGE_STATUS.translation]} then
            (select r.response_id from batch_results r where r.job_id = $1 and r.position = l.position
               and r.language = any($3::text[]) and r.revision = 0 and r.response_id is not null limit 1) end
        from batch_lots l
        join batch_results e on e.job_id = l.job_id and e.position = l.position and ${isEnglishSource('e')}
        where l.job_id = $1 and l.position = any($2::int[])`,
      [jobId, positions, languages, withAssessment],
    );
  }

  /** What the other texts of described lots are written from; read only for lots that lack some. */
  describedSources(jobId: string, positions: readonly number[]): Promise<DescribedSource[]> {
    return this.database.rows<DescribedSource>(
      `select l.position, r.assessment, r.raw, i.images
       from ${WITH_ENGLISH} join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position
       where l.job_id = $1 and l.position = any($2::int[])`,
      [jobId, positions],
    );
  }
}
