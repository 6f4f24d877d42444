/** What the photos of a checked lot take as input tokens, and what a key's photos have taken lately, for estimates made before any is seen. */
export class PhotoTokens1764310000000 {
  name = 'PhotoTokens1764310000000';

  async up(queryRunner) {
    await queryRunner.query('alter table batch_lots add column photo_tokens integer');
    await queryRunner.query(
      `create table photo_averages (
         key_id text not null,
         model text not null,
         detail text not null,
         photos double precision not null,
         tokens double precision not null,
         updated_at timestamptz not null,
         constraint photo_averages_pkey primary key (key_id, model, detail),
         constraint photo_averages_photos_check check (photos > 0)
       )`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query('drop table photo_averages');
    await queryRunner.query('alter table batch_lots drop column photo_tokens');
  }
}
