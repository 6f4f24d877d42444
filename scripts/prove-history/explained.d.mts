/** A node of a plan as PostgreSQL's JSON has it. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Planning Time'?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface Sample {
  readonly pages: number;
  readonly rows: number;
  readonly lookUps: number;
  readonly plan: PlanNode;
}

export class Explained {
  /** Watches every connection of this process from now on. */
  static watch(): Explained;
  /** What a call of each statement read, by its text. */
  stop(): Map<string, Sample>;
}
