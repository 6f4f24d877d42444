import { answerValues } from './answer-json.js';
import { assess } from './assess.js';
import { whyAskAgain, type AskAgain } from './ask-again.js';
import type { Assessment, PhotoRef } from './assessment.js';
import { schemaProblems, type ObjectSchema } from './json-schema.js';
import { OLD_VISION_SCHEMA, rowsOfOldReply, type OldVisionReply } from './old-vision-schema.js';
import type { Recogniser } from './notes/recogniser.js';
import { factsOf, isSimulated, readResponse } from './response-body.js';
import type { ResponseFacts, ResponseFailure } from './response-body.js';
import { excessOf } from './vision-bounds.js';
import type { VisionRows } from './vision-rows.js';
import { rowsOfReply, VISION_SCHEMA, VISION_SCHEMA_WITH_NOTES, type VisionReply } from './vision-schema.js';

/** What became of a vision request; the usage counts in every case. */
export type VisionAnswer = ResponseFacts &
  (
    | {
        readonly kind: 'assessed';
        readonly assessment: Assessment;
        /** The model's own answer, for the record; `rowsOf` reads it again. */
        readonly raw: unknown;
        /** Why asking the same once more is due, if it is; a second such answer stands as it is. */
        readonly again: AskAgain | null;
      }
    | ResponseFailure
  );

/**
 * Turns a Response's body into an assessment. Never throws, whatever the body is.
 * @param body - as `POST /v1/responses` answers, or `response.body` of a line of a batch
 * @param photos - those that were sent, in the order sent, numbered as in the client's list
 * @param promptVersion - of the prompt that was sent
 * @param recogniser - where notes were asked for; without it there are none
 */
export function parseVisionAnswer(
  body: unknown,
  photos: readonly PhotoRef[],
  promptVersion: string,
  recogniser: Recogniser | null = null,
): VisionAnswer {
  const reading = readResponse(body);
  if (reading.kind !== 'text') {
    return reading;
  }
  const facts = factsOf(reading);
  let problems: readonly string[] | undefined;
  for (const value of answerValues(reading.texts)) {
    const read = rowsOf(value);
    const excess = read.rows === undefined ? null : excessOf(read.rows, photos);
    if (read.rows !== undefined && excess === null) {
      const { rows } = read;
      return {
        ...facts,
        kind: 'assessed',
        assessment: assess(
          rows,
          photos,
          { model: facts.model ?? '', promptVersion, simulated: isSimulated(body) },
          recogniser,
        ),
        raw: value,
        again: whyAskAgain(rows, photos.length),
      };
    }
    problems ??= read.rows === undefined ? read.problems : [excess ?? ''];
  }
  return { ...facts, kind: 'invalid', problems: problems ?? ['$: not JSON'] };
}

type Read = { readonly rows: VisionRows } | { readonly rows?: undefined; readonly problems: readonly string[] };

/**
 * The rows of an answer of either schema, which its shape tells; also of one that was stored.
 * @returns what is wrong with it by the schema that is asked by now, where it is of none
 */
export function rowsOf(value: unknown): Read {
  const problems = schemaProblems(value, VISION_SCHEMA);
  if (problems.length === 0 || fits(value, VISION_SCHEMA_WITH_NOTES))
    return { rows: rowsOfReply(value as VisionReply) };
  if (fits(value, OLD_VISION_SCHEMA)) return { rows: rowsOfOldReply(value as OldVisionReply) };
  return { problems };
}

function fits(value: unknown, schema: ObjectSchema): boolean {
  return schemaProblems(value, schema).length === 0;
}
