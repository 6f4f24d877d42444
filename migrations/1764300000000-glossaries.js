/**
 * All words of a language, in versions that never change: those that are shipped, once a job has used them, and those that the
 * translation model made. A job names the versions that its texts are written with.
 */
export class Glossaries1764300000000 {
  name = 'Glossaries1764300000000';
  tables = ['glossary_versions', 'glossary_makings'];

  async up(queryRunner) {
    await queryRunner.query(`create table glossary_versions (
      tag text not null,
      -- The fingerprint of the words.
      version text not null,
      origin text not null,
      state text not null,
      -- As a file of glossaries/ has it; json, not jsonb: it is stored and read as a whole.
      words json not null,
      created_at timestamptz not null,
      constraint glossary_versions_pkey primary key (tag, version),
      constraint glossary_versions_origin_check check (origin in ('shipped', 'made')),
      constraint glossary_versions_state_check check (state in ('machine', 'checked', 'reviewed'))
    )`);
    await queryRunner.query(`create table glossary_makings (
      tag text not null,
      -- What it is made from and by: another of these is another making.
      taxonomy text not null,
      prompt text not null,
      model text not null,
      status text not null,
      -- Of what was made.
      version text,
      -- When it may be begun; while it is made, the end of the lease; while it rests, the end of the rest.
      due_at timestamptz not null,
      lock_token uuid,
      -- Tries of the day that began at tries_since, and failed ones in a row.
      tries smallint not null default 0,
      tries_since timestamptz,
      failures smallint not null default 0,
      reason text,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint glossary_makings_pkey primary key (tag, taxonomy, prompt, model),
      constraint glossary_makings_status_check check (status in ('wanted', 'resting', 'made'))
    )`);
    await queryRunner.query(`create index glossary_makings_wanted_idx on glossary_makings (due_at)
      where status = 'wanted'`);
    await queryRunner.query(`alter table batch_jobs add column glossaries jsonb not null default '{}'`);
  }

  async down(queryRunner) {
    await queryRunner.query('alter table batch_jobs drop column glossaries');
    await queryRunner.query('drop table glossary_makings');
    await queryRunner.query('drop table glossary_versions');
  }
}
