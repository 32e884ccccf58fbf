/** A situation → the filter's program, as the kernel takes it. */
import { COMPILED } from './compiled.ts';
import type { Situation } from './situation.ts';

/** The bytes of an array of struct sock_filter (seccomp(2)). */
export async function filterProgram(situation: Situation): Promise<Buffer> {
  const compiled = COMPILED[situationKey(situation)];
  return compiled === undefined ? compileFilter(situation) : Buffer.from(compiled, 'base64');
}

/** The same without a look at what the build has compiled. Catalogue and compiler are loaded for this alone. */
export async function compileFilter(situation: Situation): Promise<Buffer> {
  const { buildFilter } = await import('./build.ts');
  const { compile, encode } = await import('../../seccomp/compile.ts');
  return encode(compile(buildFilter(situation)));
}

/** Names everything that a filter depends on: equal keys, equal filters. */
export function situationKey(situation: Situation): string {
  const { restrictsFiles, names, refersReads, restrictsNetwork, restrictsDestinations, ...others } =
    situation;
  const { landlockDomain, signalScope, withoutCores, refer, judges, ...more } = others;
  const {
    kernelDecides,
    ownSession,
    sockets,
    restrictsListening,
    judgesNames,
    restrictsReadingAlone,
    ...unknown
  } = more;
  // Whoever adds to a situation has to add it here: this line does not compile then.
  const nothing: Record<string, never> = unknown;
  return JSON.stringify([
    [
      restrictsFiles,
      names,
      refersReads,
      restrictsNetwork,
      restrictsDestinations,
      landlockDomain,
      signalScope,
      withoutCores,
    ],
    refer ?? null,
    [...judges].toSorted(),
    kernelDecides === undefined ? null : [...kernelDecides].toSorted(),
    ownSession ?? false,
    sockets ?? null,
    ...(restrictsListening === true ? ['listening'] : []),
    ...(judgesNames === true ? ['names'] : []),
    ...(restrictsReadingAlone === true ? ['reading'] : []),
    nothing,
  ]);
}
