/** No engine can do what is asked of it here. The message has a line for each reason, which names the engine. */
export class EngineError extends Error {
  constructor(reasons: readonly string[]) {
    super(reasons.join('\n'));
    this.name = 'EngineError';
  }
}
