import type { ReviewReason } from '../assessment.js';
import { claimsUndamaged, cleanText, textProblem } from '../model-text.js';
import type { DamageType } from '../taxonomy.js';
import { forbiddenTopic } from './english-words.js';
import type { Recogniser } from './recogniser.js';

/** A note that passed, with a full stop; null where there is none, and what spoke against it. */
export interface CheckedNote {
  readonly note: string | null;
  readonly reasons: readonly ReviewReason[];
}

/** Ten times what a note may have once it is cleaned: an honest one may carry marks, not so many. */
const MOST_RAW_CHARACTERS = 2_000;
const MOST_CHARACTERS = 200;
const FEWEST_WORDS = 3;
const MOST_WORDS = 30;

const NONE: CheckedNote = { note: null, reasons: [] };
const REFUSED: CheckedNote = { note: null, reasons: ['note_refused'] };

/**
 * Judges a note where it comes from, before it is stored or translated: one English sentence on the look of the damage, and
 * nothing that the row says or that no photo shows. What is refused here is in no text of any language.
 * @param type - of the row that the note belongs to
 */
export function checkNote(raw: string, type: DamageType): CheckedNote {
  // Too long whatever it says; the patterns would take seconds to find out what.
  if (raw.length > MOST_RAW_CHARACTERS) return { note: null, reasons: ['suspicious_text'] };
  const text = cleanText(raw);
  if (text === '') return NONE;
  // Invisible characters and styled letters hide words from the patterns but not from a reader.
  if ((textProblem(text) ?? textProblem(text.normalize('NFKC'))) !== null) {
    return { note: null, reasons: ['suspicious_text'] };
  }
  if (claimsUndamaged(text)) return { note: null, reasons: ['unsupported_claim'] };
  const sentence = text.replace(/[.!]$/, '');
  if (!isSentence(sentence) || forbiddenTopic(sentence, type) !== null) return REFUSED;
  return { note: `${sentence}.`, reasons: [] };
}

/** Letters that English has, and marks that stand inside one sentence: no digit, no second sentence, no symbol. */
const ALLOWED = /^[A-Za-z][A-Za-z ,;:'’-]*$/;
/** Inside a sentence only names have capitals. */
const NAME = /.[A-Z]/s;

function isSentence(sentence: string): boolean {
  const words = sentence.toLowerCase().match(/[a-z]+/g) ?? [];
  return (
    sentence.length <= MOST_CHARACTERS &&
    ALLOWED.test(sentence) &&
    !NAME.test(sentence) &&
    words.length >= FEWEST_WORDS &&
    words.length <= MOST_WORDS &&
    // One word over and over is no sentence.
    new Set(words).size > words.length / 2
  );
}

/** How much more another language must be like the text than English is: short sentences are like several. */
const CLEARLY = 0.1;
/** Of a single note; shorter ones are judged together with the others only. */
const FEWEST_LETTERS = 15;

/**
 * Are the notes of a lot English? All together, because one sentence says little of its language; and each by itself where it is
 * clearly in another one.
 * @returns for each note whether it is
 */
export function areEnglish(notes: readonly string[], recogniser: Recogniser): readonly boolean[] {
  const together = notes.join(' ');
  if (together.length >= FEWEST_LETTERS && !isEnglishText(together, recogniser)) return notes.map(() => false);
  return notes.map((note) => note.length < FEWEST_LETTERS || isEnglishText(note, recogniser));
}

function isEnglishText(text: string, { recognise }: Recogniser): boolean {
  const { language, scores } = recognise(text);
  if (language === 'en') return true;
  const best = Math.max(0, ...Object.values(scores));
  // What is like no language at all is no English either.
  return (scores['en'] ?? 0) > 0 && best - (scores['en'] ?? 0) < CLEARLY;
}
