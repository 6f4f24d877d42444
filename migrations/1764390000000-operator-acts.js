/** What operators did by commands: who, when, what, why, and what came of it. Nothing removes a row. */
export class OperatorActs1764390000000 {
  name = 'OperatorActs1764390000000';
  tables = ['operator_acts'];

  async up(queryRunner) {
    await queryRunner.query(`create table operator_acts (
      id uuid not null,
      begun_at timestamptz not null,
      operator text not null,
      act text not null,
      job_id uuid not null,
      arguments json not null,
      reason text not null,
      -- Both null: the command ended before it knew.
      ended_at timestamptz,
      result json,
      constraint operator_acts_pkey primary key (id)
    )`);
  }

  async down(queryRunner) {
    await queryRunner.query('drop table operator_acts');
  }
}
