/** `secfilt --compile=FILE`: a policy, and a command if one is given, as an executable. Runs nothing. */
import { lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildClient, buildExecutor, LONGEST_SOCKET_PATH } from '../launch/client.ts';
import { withNote } from '../launch/note.ts';
import { errnoMessage } from '../linux/errno.ts';
import { wayOf } from '../policy/links.ts';
import { absolutePath, resolvePath } from '../policy/paths.ts';
import { changeableTrees, type PathBytes, type Policy } from '../policy/policy.ts';
import { errnoOf } from '../policy/system-error.ts';
import { ValueError } from '../policy/value-error.ts';
import { isWithin } from '../policy/within.ts';
import { escapeBytes } from '../report/escape.ts';
import { usualSocket } from '../service/place.ts';
import { encodeRequest, LONGEST_REQUEST } from '../service/request.ts';
import { compileKernel } from '../supervise/engines/compile-kernel.ts';
import { EngineError } from '../supervise/engines/engine-error.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import type { Assignment } from './assignments.ts';
import { type Baked, bakedText, LONGEST_FILE, readBaked } from './baked.ts';
import { toBytes } from './byte-string.ts';
import { canonicalOptions } from './canonical-options.ts';
import { reading } from './given-path.ts';
import { makePolicy } from './make-policy.ts';
import { ownPlaces } from './own-places.ts';
import type { Settings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

const SLASH = 0x2f;

export interface Compilation {
  readonly file: Assignment;
  readonly settings: Settings;
  /** Empty: given at each start. */
  readonly command: readonly Buffer[];
}

/** Makes the file. Throws a UsageError, and nothing is left behind then. */
export async function compile({ file, settings, command: given }: Compilation): Promise<void> {
  refuseReports(settings);
  const policy = await makePolicy(settings.policy);
  const path = reading(file, () => absolutePath(toBytes(file.text)));
  refuseChangeable(file, path, policy);
  refuseOthers(file, path);
  const command = absoluteCommand(given);
  const options = canonicalOptions(settings, policy);
  const image =
    settings.engine === 'kernel'
      ? await kernelImage(file, settings, policy, { options, command })
      : clientImage(file, settings, { options, command });
  write(file, path, image);
}

/** Runs at other times and places have no place for them, and nobody who would learn. */
function refuseReports({ log, learn, ask }: Settings): void {
  const given = learn ?? log ?? ask;
  if (given === undefined) return;
  const hint = 'leave it out, it cannot be compiled';
  throw new UsageError({
    option: given.spelling,
    problem: 'has no effect with --compile',
    hint,
    origin: given.origin,
  });
}

/** What the command may change, a later run would execute outside of the sandbox. */
function refuseChangeable(file: Assignment, path: PathBytes, { files }: Policy): void {
  const trees = changeableTrees(files);
  const { links, place } = wayOf(path);
  const within = [...links, place].find((each) => trees.some((tree) => isWithin(each, tree)));
  if (within === undefined) return;
  const hint = 'a later run would be what the command makes of it, name another place';
  reading(file, () => {
    throw new ValueError('is where the command may make changes', { place: within, hint });
  });
}

/** Only what was compiled before is replaced, and what is empty. */
function refuseOthers(file: Assignment, path: PathBytes): void {
  reading(file, () => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined || (status.isFile() && status.size === 0)) return;
    const isOurs =
      status.isFile() && status.size < LONGEST_FILE && readBaked(readFileSync(path)) !== undefined;
    if (isOurs) return;
    throw new ValueError('exists and is no compiled policy', { hint: 'remove it first, or name another' });
  });
}

/** A name with a slash means the same file wherever it is started; one without is looked up at each start. */
function absoluteCommand(command: readonly Buffer[]): readonly Buffer[] {
  const [name, ...words] = command;
  return name === undefined || !name.includes(SLASH) ? command : [absolutePath(name), ...words];
}

async function kernelImage(
  file: Assignment,
  settings: Settings,
  policy: Policy,
  baked: Pick<Baked, 'options' | 'command'>,
): Promise<Buffer> {
  // Config files are not read again.
  const own = ownPlaces({ ...settings, configFiles: [] }, policy);
  const { options, command } = baked;
  const image = await compileKernel(policy, probeKernel(process.env), command, own).catch(
    (error: unknown) => {
      throw error instanceof EngineError ? nothing(file, error.message.replaceAll('\n', '; ')) : error;
    },
  );
  return withNote(image, bakedText({ version: VERSION, kind: 'kernel', options, command }));
}

/** What is executed is named from the root on: nobody's PATH or directory says what it is. */
function clientImage(
  file: Assignment,
  { engine, verbose }: Settings,
  baked: Pick<Baked, 'options' | 'command'>,
): Buffer {
  const { options, command } = baked;
  const script = resolvePath(Buffer.from(process.argv[1] ?? '')).toString('latin1');
  const path = Buffer.from(join(dirname(script), 'secfilt'), 'latin1');
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw nothing(file, `${escapeBytes(path)} is missing`);
  const fallback = { path, argv: [Buffer.from('secfilt'), ...options, Buffer.from('--'), ...command] };
  const said = { version: VERSION, kind: 'client', options, command, fallback: path } as const;
  const socket = Buffer.from(usualSocket(process.env));
  const request = encodeRequest({ wanted: { kind: 'policy', options }, words: command });
  const isTooLong = socket.length > LONGEST_SOCKET_PATH || request.length > LONGEST_REQUEST;
  // A service has an engine of its own, and tells of refusals at its own place.
  if (engine === 'trace' || verbose || isTooLong)
    return withNote(buildExecutor(fallback, escapeBytes(path)), bakedText(said));
  const names = { socket: escapeBytes(socket), fallback: escapeBytes(path) };
  return withNote(buildClient({ socket, request, fallback, names }), bakedText({ ...said, socket }));
}

function nothing({ spelling, origin }: Assignment, hint: string): UsageError {
  return new UsageError({ option: spelling, problem: 'makes nothing', hint, origin });
}

/** Written beside its place first: nobody ever executes a half of it. */
function write(file: Assignment, path: PathBytes, image: Buffer): void {
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const beside = Buffer.concat([path, Buffer.from(`.${randomBytes(8).toString('hex')}`)]);
  reading(file, () => {
    try {
      writeFileSync(beside, image, { mode: 0o755, flag: 'wx' });
      renameSync(beside, path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw new ValueError('cannot be written', { hint: errnoMessage(errnoOf(error)) });
    }
  });
}
