/** The command `secfilt`. */
import { writeSync } from 'node:fs';
import { takeStartNotes } from '../launch/start-notes.ts';
import { exitNow } from '../linux/libc.ts';
import { closeInspector, startClean } from './clean-start.ts';
import { readCommandLine } from './command-line.ts';
import { complain } from './complain.ts';
import { ExitCode } from './exit-code.ts';
import { takeChannel, takeHostNotes } from './of-host.ts';
import { rawArguments } from './raw-arguments.ts';
import { UsageError } from './usage-error.ts';

async function main(): Promise<void> {
  takeHostNotes();
  startClean();
  takeStartNotes();
  closeInspector();
  const channel = takeChannel();
  if (channel !== undefined) return (await import('./serve-program.ts')).serveProgram(channel);
  const commandLine = await readCommandLine(rawArguments());
  switch (commandLine.kind) {
    case 'help':
      writeSync(1, (await import('./usage.ts')).helpText());
      return;
    case 'version':
      writeSync(1, (await import('./usage.ts')).versionText());
      return;
    case 'probe':
      await (await import('./probe.ts')).probe(commandLine.settings, commandLine.json);
      return;
    case 'list-calls':
      await (await import('./list-calls.ts')).listCalls(commandLine.settings, commandLine.json);
      return;
    case 'explain':
      await (await import('./explain.ts')).explain(commandLine.settings, commandLine);
      return;
    case 'why':
      await (await import('./why.ts')).why(commandLine.settings, commandLine.accesses, commandLine.json);
      return;
    case 'serve':
      await (await import('./serve.ts')).serve(commandLine.settings, commandLine.socket);
      return;
    case 'status':
      (await import('./status.ts')).status(commandLine.socket, commandLine.json);
      return;
    case 'explain-compiled':
      (await import('./explain-compiled.ts')).explainCompiled(commandLine);
      return;
    case 'compile':
      await (await import('./compile.ts')).compile(commandLine);
      return;
    case 'run':
      await (await import('./run.ts')).run(commandLine.settings, commandLine.command);
  }
}

main().catch((error: unknown) => {
  const explained = error instanceof UsageError || (error instanceof Error && 'errno' in error);
  complain(
    explained ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
  exitNow(ExitCode.FAILURE);
});
