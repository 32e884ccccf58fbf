/** What registers decide of a call, as an expression. */
import type { SyscallName } from '../../linux/syscalls.ts';
import type { Expression } from '../../seccomp/expression.ts';
import type { Situation } from './situation.ts';

/** @param leave what is to become of a call that the rule leaves open */
export type Rule = (call: SyscallName, leave: Expression, situation: Situation) => Expression;
