import { Counter } from 'prom-client';
import type { TranslatedNote } from '../assessment/notes/translated-note.js';
import { metricsRegistry } from '../common/metrics-registry.js';

const texts = new Counter({
  name: 'texts_rejected_total',
  help: 'Texts that the auditor refused in both forms, by the glossary’s language and the kind of reason',
  labelNames: ['language', 'reason'],
  registers: [metricsRegistry],
});

const lots = new Counter({
  name: 'lots_text_rejected_total',
  help: 'Lots that failed with TEXT_REJECTED, because their English text was refused',
  registers: [metricsRegistry],
});

const notes = new Counter({
  name: 'notes_translated_total',
  help: 'Translated notes by the glossary’s language: taken, or why they were left out',
  labelNames: ['language', 'outcome'],
  registers: [metricsRegistry],
});

/** @param language - the tag of a glossary, of which there are few; never a tag as a client wrote it */
export function countRejectedText(language: string, reason: string): void {
  texts.inc({ language, reason });
}

export function countRejectedLot(): void {
  lots.inc();
}

/** @param language - the tag of a glossary */
export function countNotes(language: string, judged: readonly TranslatedNote[]): void {
  for (const one of judged) notes.inc({ language, outcome: 'note' in one ? 'taken' : one.refused });
}
