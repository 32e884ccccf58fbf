/** The catalogue and a situation → the filter. */
import { entriesOf } from '../../linux/entries.ts';
import { Errno } from '../../linux/errno.ts';
import { X86_64, type SyscallName } from '../../linux/syscalls.ts';
import { allow, errno, kill, type Expression } from '../../seccomp/expression.ts';
import type { Filter } from '../../seccomp/filter.ts';
import { AUDIT_ARCH_X86_64 } from '../../seccomp/seccomp-data.ts';
import { CATALOGUE, type CallClass, type Judge, type Restriction } from '../catalogue.ts';
import { refusal } from './refusal.ts';
import { RULES } from './rules.ts';
import type { Situation } from './situation.ts';
import { unjudgedSocketCall } from './unjudged.ts';

const refused = errno(Errno.EPERM);
const noSuchCall = errno(Errno.ENOSYS);

/** The whole filter: every known number by its class; unknown ones do not exist, foreign ones are fatal. */
export function buildFilter(situation: Situation): Filter {
  const calls = new Map<number, Expression>();
  for (const [name, number] of entriesOf(X86_64)) {
    const socketCall = situation.sockets && unjudgedSocketCall(name, situation.sockets, situation);
    calls.set(number, socketCall ?? expressionFor(name, CATALOGUE[name], situation));
  }
  return {
    architecture: AUDIT_ARCH_X86_64,
    calls,
    unknown: noSuchCall,
    foreignArchitecture: kill,
    x32: noSuchCall,
  };
}

/** What the filter says to one call. */
export function expressionFor(name: SyscallName, callClass: CallClass, situation: Situation): Expression {
  switch (callClass.kind) {
    case 'harmless':
      return allow;
    case 'absent':
      return noSuchCall;
    case 'refused':
      if (isSupervisorsOwn(name, situation)) return allow;
      if (!isInForce(callClass.when, situation)) return allow;
      return refusal(situation, Errno[callClass.errno]);
    case 'registers': {
      if (!isInForce(callClass.when, situation)) return allow;
      const leave = callClass.judge === undefined ? refusal(situation) : referral(callClass.judge, situation);
      return RULES[callClass.rule](name, leave, situation);
    }
    case 'referred': {
      const leave = isInForce(callClass.when, situation) ? referral(callClass.judge, situation) : allow;
      return callClass.rule === undefined ? leave : RULES[callClass.rule](name, leave, situation);
    }
  }
}

/** Without a supervisor, or without one who could judge, the answer is no. */
function referral(judge: Judge, situation: Situation): Expression {
  if (situation.kernelDecides?.has(judge) === true) return allow;
  return situation.refer !== undefined && situation.judges.has(judge) ? situation.refer : refused;
}

function isInForce(restriction: Restriction | undefined, situation: Situation): boolean {
  switch (restriction) {
    case undefined:
      return true;
    case 'files':
      return situation.restrictsFiles;
    case 'names':
      return situation.names === 'all';
    case 'reads':
      return situation.refersReads;
    case 'queues':
      return situation.restrictsFiles || (situation.landlockDomain && situation.refer !== undefined);
    case 'network':
      return situation.restrictsNetwork;
    case 'any':
      return situation.restrictsFiles || situation.restrictsNetwork;
  }
}

/**
 * What a supervisor needs that is itself in a sandbox without one: Landlock lets it look at processes of the domain only
 * (ptrace(2), access mode checking). Where there is a supervisor outside, nobody inside could be one anyway.
 */
function isSupervisorsOwn(name: SyscallName, situation: Situation): boolean {
  if (situation.refer !== undefined || !situation.landlockDomain) return false;
  return name === 'process_vm_readv' || name === 'pidfd_getfd';
}
