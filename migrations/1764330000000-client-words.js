/**
 * Words of a client's own, in place of a glossary's (GLOSSARY_WORDS). A job writes down which it began with, and keeps them to its end
 * whatever the setting says by then. A glossary with such words is a version like any other.
 */
export class ClientWords1764330000000 {
  name = 'ClientWords1764330000000';

  async up(queryRunner) {
    // A lock that is waited for keeps all requests waiting behind it.
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`create table client_word_versions (
      -- The fingerprint of the words.
      version text not null,
      -- By language and entry, as the setting has them; json, not jsonb: it is stored and read as a whole.
      words json not null,
      created_at timestamptz not null,
      constraint client_word_versions_pkey primary key (version)
    )`);
    // Null: the job's key had no words of its own for its languages.
    await queryRunner.query('alter table batch_jobs add column client_words text');
    await queryRunner.query(`alter table glossary_versions drop constraint glossary_versions_origin_check,
      add constraint glossary_versions_origin_check check (origin in ('shipped', 'made', 'client'))`);
  }

  async down(queryRunner) {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`delete from glossary_versions where origin = 'client'`);
    await queryRunner.query(`alter table glossary_versions drop constraint glossary_versions_origin_check,
      add constraint glossary_versions_origin_check check (origin in ('shipped', 'made'))`);
    await queryRunner.query('alter table batch_jobs drop column client_words');
    await queryRunner.query('drop table client_word_versions');
  }
}
