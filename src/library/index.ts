/** The library: what `import 'secfilter'` gives. docs/library.md */
export { PolicyError, SandboxError } from './errors.ts';
export type { Policy } from './policy.ts';
export type { AskedCall, RefusedCall, Verdict } from './refused-call.ts';
export { RunError, type RunOptions, type RunResult } from './run.ts';
export { Sandbox, type SandboxOptions } from './sandbox.ts';
