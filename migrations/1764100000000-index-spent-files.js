/** Finds the ended shards whose files still stand at OpenAI: a partial index, because soon after its end none does. */
export class IndexSpentFiles1764100000000 {
  name = 'IndexSpentFiles1764100000000';

  async up(queryRunner) {
    await queryRunner.query(
      `create index openai_batches_files_idx on openai_batches (next_check_at)
       where status in ('done', 'cancelled')
         and (input_file_id is not null or output_file_id is not null or error_file_id is not null)`,
    );
  }

  async down(queryRunner) {
    await queryRunner.query('drop index openai_batches_files_idx');
  }
}
