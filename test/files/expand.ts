/**
 * Turns a case of the table into the steps that the raw-call probe makes, once for each way of naming a file.
 */
import { join } from 'node:path';

import type { Argument, Step } from '../probes/protocol.ts';
import { At, Call, Open } from '../support/numbers.ts';

import type { Case, CaseArgument } from './calls.ts';

export const forms = ['absolute path', 'relative path', 'directory descriptor'] as const;
export type Form = (typeof forms)[number];

const AF_UNIX = 1;
const SOCK_STREAM = 1;

/** The forms that make a difference to a case: a descriptor has no other name. */
export function formsOf(entry: Case): readonly Form[] {
  const has = (key: string) =>
    entry.arguments.some((argument) => typeof argument === 'object' && key in argument);
  if (has('at')) return forms;
  return has('name') || has('socketName') ? ['absolute path', 'relative path'] : ['absolute path'];
}

/** Steps for one case in one form; the one that matters bears `label`. */
export function expand(entry: Case, form: Form, directory: string, label: string): Step[] {
  const before: Step[] = [
    { label: `${label}: chdir`, number: Call.chdir, arguments: [{ path: directory }] },
    {
      label: `${label}: directory`,
      number: Call.openat,
      arguments: [At.cwd, { path: directory }, Open.directory],
      save: 'directory',
    },
  ];
  const path = (name: string): Argument => ({
    path: form === 'absolute path' ? join(directory, name) : name,
  });
  const open = (name: string, flags: number): void => {
    before.push({
      label: `${label}: open`,
      number: Call.openat,
      arguments: [At.cwd, { path: join(directory, name) }, flags],
      save: 'opened',
    });
  };

  const fill = (argument: CaseArgument): Argument[] => {
    if (typeof argument !== 'object') return [argument];
    if ('name' in argument) {
      // A trailing slash is part of the question, and join keeps it.
      return [path(argument.name)];
    }
    if ('at' in argument) {
      return [form === 'directory descriptor' ? { saved: 'directory' } : At.cwd, path(argument.at)];
    }
    if ('opened' in argument) {
      open(argument.opened, argument.flags);
      return [{ saved: 'opened' }];
    }
    if ('descriptorPath' in argument) {
      open(argument.descriptorPath, argument.flags);
      return [{ path: '/proc/self/fd/{opened}' }];
    }
    if ('socket' in argument) {
      before.push({
        label: `${label}: socket`,
        number: Call.socket,
        arguments: [AF_UNIX, SOCK_STREAM, 0],
        save: 'socket',
      });
      return [{ saved: 'socket' }];
    }
    if ('socketName' in argument) {
      const name = form === 'absolute path' ? join(directory, argument.socketName) : argument.socketName;
      return [socketAddress(name)];
    }
    return [argument];
  };

  const call: Step = {
    label,
    number: entry.number,
    arguments: entry.arguments.flatMap(fill),
    save: 'result',
  };
  const after: Step[] =
    entry.thenWrite === true
      ? [{ label: `${label}: write`, number: Call.write, arguments: [{ saved: 'result' }, { path: '!' }, 1] }]
      : [];
  return [...before, call, ...after, ...closing(entry)];
}

export function socketAddress(path: string): Argument {
  const family = Buffer.from([AF_UNIX, 0]).toString('hex');
  return { hex: (family + Buffer.from(path).toString('hex')).padEnd(220, '0') };
}

/** Descriptors are closed again, so that hundreds of cases fit into one process. */
function closing(entry: Case): Step[] {
  const words = JSON.stringify(entry.arguments);
  const names = ['directory'];
  if (words.includes('"opened"') || words.includes('"descriptorPath"')) names.push('opened');
  if (words.includes('"socket"')) names.push('socket');
  if ([Call.open, Call.openat, Call.openat2, Call.creat].some((number) => number === entry.number))
    names.push('result');
  return names.map((name) => ({ label: `close ${name}`, number: Call.close, arguments: [{ saved: name }] }));
}
