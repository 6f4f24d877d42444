// A photo host that takes connections and never answers.
import { countLots, countsInWords, hasEnded, inWords } from '../prove/job-client.mjs';
import { pause } from '../prove/stage.mjs';

const LOTS = 90;
const PHOTOS = 4;
/** How far the clock is moved at a time: five minutes, as long as the longest pause of a host. */
const STEP_HOURS = 1 / 12;
/** Waiting for a host ends after 20 minutes; what is left then is tried once more. */
const MOST_HOURS = 0.75;

/** A third of the lots has all photos on a hanging host, a third one of four, a third none. */
export function provePhotos(ground) {
  return ground.scenario('d. A photo host that hangs for some photos', async (scene) => {
    const { say, claim } = scene;
    const { client } = ground;
    const lots = ground.lots(LOTS, (lot, index) =>
      Array.from({ length: PHOTOS }, (_, number) => {
        const hangs = index % 3 === 0 || (index % 3 === 1 && number === 0);
        return hangs ? ground.hangingPhoto(lot, number) : ground.photo(lot, number);
      }),
    );
    const { id } = await ground.accept(say, lots);
    const third = LOTS / 3;
    const early = await client.until(
      id,
      'lots with good photos are done',
      (status) => status.progress.processed_lots >= third,
    );
    say('first', inWords(early));
    claim('lots with good photos are done before the host is given up', early.status === 'processing');
    let status = early;
    while (!hasEnded(status) && ground.hours() < MOST_HOURS) {
      await ground.advance(STEP_HOURS);
      // Enough time for a few ticks of the crons and one round of photos with their deadlines.
      for (let looks = 0; looks < 10 && !hasEnded(status); looks++) {
        await pause(300);
        status = await client.status(id);
      }
      say(`${Math.round(ground.hours() * 60)} min by clock`, inWords(status));
    }
    claim(`the job has ended within ${MOST_HOURS * 60} min by the clock`, hasEnded(status));
    const { code, lots: results } = await client.results(id);
    const counts = countLots(results);
    say('results', `${code}: ${countsInWords(counts)}`);
    const failed = results.find((lot) => lot.status === 'failed');
    say('a failed lot', `${failed?.error.code}: ${failed?.error.message}`);
    claim(
      'lots without photos fail with IMAGE_UNREACHABLE and name all of them',
      counts['failed IMAGE_UNREACHABLE'] === third &&
        results.filter((lot) => lot.status === 'failed').every((lot) => lot.missing_images.length === PHOTOS),
    );
    claim(
      'all others completed, those that lack one photo name it',
      counts.completed === 2 * third && counts['completed with a photo missing'] === third,
    );
    await ground.bill(scene, id);
  });
}
