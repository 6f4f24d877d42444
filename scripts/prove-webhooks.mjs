// npm run prove:webhooks [-- --kills=100 --deliveries=20000 --hanging=10000 --lots=50000]: workers that are killed at
// random lose nothing, report nothing that was not received and send nothing without a trace; a receiver that hangs
// delays no other; and a job of 50,000 lots arrives whole without taking memory.
import { stopAtSignal } from './prove/at-signal.mjs';
import { proveHanging } from './prove-webhooks/hanging.mjs';
import { proveKills } from './prove-webhooks/kills.mjs';
import { proveLarge } from './prove-webhooks/large.mjs';
import { startGround } from './prove-webhooks/ground.mjs';

const option = (name, fallback) =>
  Number(process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);

const ground = await startGround();
const stop = stopAtSignal(() => ground.stop());
let failures = 0;
try {
  const proofs = {
    'kill -9': () => proveKills(ground, { kills: option('kills', 100), deliveries: option('deliveries', 20_000) }),
    'one receiver hangs': () => proveHanging(ground, { deliveries: option('hanging', 10_000) }),
    'a large job': () => proveLarge(ground, { lots: option('lots', 50_000) }),
  };
  for (const [what, prove] of Object.entries(proofs)) {
    console.log(`\n# ${what}`);
    const { facts, claims } = await prove();
    for (const [name, value] of Object.entries(facts)) console.log(`  ${name}: ${value}`);
    for (const [claim, holds] of Object.entries(claims)) {
      console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${claim}`);
      if (!holds) failures += 1;
    }
  }
} finally {
  await stop();
}
console.log(failures === 0 ? '\nPROVEN' : `\nNOT PROVEN: ${failures} claims do not hold`);
process.exit(failures === 0 ? 0 : 1);
