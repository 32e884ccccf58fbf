/** Children that look like what they run, not like what runs it. */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { errorMonitor, type EventEmitter } from 'node:events';
import type { Stream } from 'node:stream';
import type { Command } from './backend.ts';
import { failingCommand } from './find-command.ts';

/** What runs the command. */
export interface Starter {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

/** Starts a command by another program. Where it is missing, the child tells so as it does without a sandbox. */
export function startChild(command: Command, starter: () => Starter): ChildProcess {
  const failing = failingCommand(command);
  const { file, args, options } =
    failing === undefined ? starter() : { file: failing, args: [], options: command.options };
  const child = spawn(file, args, options);
  Object.assign(child, { spawnfile: command.file, spawnargs: [command.file, ...command.args] });
  // Called before whoever listens, and nobody counts as listening by this.
  const events: EventEmitter = child;
  events.on(errorMonitor, (error: Error) => nameCommand(error, command));
  return child;
}

/** The streams of a child; it has none where it could not be started for want of descriptors, which its `error` event tells. */
export function stdioOf(child: Partial<Pick<ChildProcess, 'stdio'>>): readonly (Stream | null | undefined)[] {
  return child.stdio ?? [];
}

function nameCommand(error: Error, { file, args }: Command): void {
  if (!('syscall' in error) || typeof error.syscall !== 'string' || !error.syscall.startsWith('spawn'))
    return;
  const syscall = `spawn ${file}`;
  Object.assign(error, {
    path: file,
    spawnargs: args,
    syscall,
    message: error.message.replace(error.syscall, syscall),
  });
}
