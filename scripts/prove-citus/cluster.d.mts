export class CitusCluster {
  static at(url: string): Promise<CitusCluster>;
  create(name: string, template?: string): Promise<string>;
  drop(name: string): Promise<void>;
}
