import type { Simulation } from '../simulation.js';
import { glossaryAnswer, glossaryQuestion } from './glossary-answer.js';
import { lookAtPhoto, lookByAddress, type PhotoLook } from './photo-look.js';
import { translationAnswer } from './translation-answer.js';
import { sceneAskedFor } from './scenes.js';
import { visionAnswer } from './vision-answer.js';

/**
 * Damage of cars as drawn photos say it, or made up from the pixels of any other, pseudo translations of texts, and glossaries
 * of words that are none. Every text says that it is simulated.
 */
export const CAR_SIMULATION: Simulation<PhotoLook> = {
  look: lookAtPhoto,
  lookByAddress,
  answer: ({ schema, photos, userTexts, scene }) => {
    if (photos.length > 0) return visionAnswer(schema, photos, scene ?? sceneAskedFor(userTexts), userTexts);
    const glossary = glossaryQuestion(userTexts);
    return glossary === undefined ? translationAnswer(schema, userTexts) : glossaryAnswer(schema, glossary, scene);
  },
};
