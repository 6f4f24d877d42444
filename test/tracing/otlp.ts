/** A span as a collector reads it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it begins its trace, or its caller's. */
  readonly parentId: string;
  readonly traceState: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: number;
  /** 2: error. */
  readonly status: number;
  readonly statusMessage: string;
}

type Fields = Map<number, (bigint | Buffer)[]>;

/** The spans of an ExportTraceServiceRequest in protobuf, by the numbers of opentelemetry-proto's trace.proto. */
export function readSpans(body: Buffer): ReceivedSpan[] {
  const resources = messages(fieldsOf(body), 1);
  return resources.flatMap((resource) => messages(resource, 2).flatMap((scope) => messages(scope, 2).map(spanOf)));
}

function spanOf(span: Fields): ReceivedSpan {
  const [status = new Map()] = messages(span, 15);
  return {
    traceId: bytes(span, 1).toString('hex'),
    spanId: bytes(span, 2).toString('hex'),
    parentId: bytes(span, 4).toString('hex'),
    traceState: bytes(span, 3).toString(),
    name: bytes(span, 5).toString(),
    kind: Number(numberOf(span, 6)),
    attributes: Object.fromEntries(messages(span, 9).map((pair) => [bytes(pair, 1).toString(), valueOf(pair)])),
    events: messages(span, 11).length,
    status: Number(numberOf(status, 3)),
    statusMessage: bytes(status, 2).toString(),
  };
}

function valueOf(pair: Fields): string | number | boolean {
  const [value = new Map()] = messages(pair, 2);
  if (value.has(1)) return bytes(value, 1).toString();
  if (value.has(2)) return numberOf(value, 2) === 1n;
  if (value.has(3)) return Number(numberOf(value, 3));
  throw new Error('an attribute of a kind that this service has none of');
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(value as Buffer));
}

function bytes(fields: Fields, number: number): Buffer {
  return (fields.get(number)?.[0] as Buffer | undefined) ?? Buffer.alloc(0);
}

function numberOf(fields: Fields, number: number): bigint {
  return (fields.get(number)?.[0] as bigint | undefined) ?? 0n;
}

/** A protobuf message: each field's number, and its values by wire type. */
function fieldsOf(message: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const key = Number(varint());
    const wire = key & 7;
    let value: bigint | Buffer;
    if (wire === 0) value = varint();
    else if (wire === 1) value = take(8);
    else if (wire === 2) value = take(Number(varint()));
    else if (wire === 5) value = take(4);
    else throw new Error(`no wire type ${wire} is used here`);
    const values = fields.get(key >>> 3) ?? [];
    fields.set(key >>> 3, [...values, value]);
  }
  return fields;
}
