import type { Simulation } from '../simulation.js';
import { lookAtPhoto, lookByAddress, type PhotoLook } from './photo-look.js';
import { translationAnswer } from './translation-answer.js';
import { sceneAskedFor } from './scenes.js';
import { visionAnswer } from './vision-answer.js';

/**
 * Damage of cars made up from the pixels of photos, and pseudo translations of texts. Every text says that it is
 * simulated.
 */
export const CAR_SIMULATION: Simulation<PhotoLook> = {
  look: lookAtPhoto,
  lookByAddress,
  answer: ({ schema, photos, userTexts, scene }) =>
    photos.length === 0
      ? translationAnswer(schema, userTexts)
      : visionAnswer(schema, photos, scene ?? sceneAskedFor(userTexts)),
};
