/** An engine that cannot do what is asked of it here; the message says which option asks it, in one line each. */
export class EngineError extends Error {
  constructor(engine: string, reasons: readonly string[]) {
    super(reasons.map((reason) => `--engine=${engine}: ${reason}`).join('\n'));
    this.name = 'EngineError';
  }
}
