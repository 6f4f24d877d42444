// npm run bench -- NAME [NAME …]: each benchmark also measures its floor in the same run, and prints the ratios.
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (names.length === 0) {
  console.error('usage: npm run bench -- sync|intake|jsonl|ingest|status|results|webhooks …');
  process.exit(2);
}
for (const name of names) {
  if (!/^[a-z]+$/.test(name)) throw new Error('a benchmark is named by lower-case letters');
  console.log(`\n# ${name}`);
  const { run } = await import(`./${name}.mjs`);
  await run(process.argv.slice(2));
}
process.exit(0);
