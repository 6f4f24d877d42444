/**
 * The lines of a body, without their line ends.
 * @throws Error when the body ends inside a line: it was cut, however properly the connection was closed
 */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield line;
    }
  } finally {
    // A reader who stops early needs no more of it.
    reader.cancel().catch(() => undefined);
  }
  if (rest !== '') throw new Error('the answer ended in the middle of a line');
}
