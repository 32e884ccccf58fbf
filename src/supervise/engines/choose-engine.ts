/** Which engine can run a policy here, and why: found out by trying, never by the kernel's version. */
import { Errno } from '../../linux/errno.ts';
import { close } from '../../linux/libc.ts';
import { canCopyDescriptors } from '../target/descriptor.ts';
import { obstacleText, prepareKernel, type KernelRun } from './kernel-engine.ts';
import { attemptText, type Features } from './probe-features.ts';

export type Engine = 'notify' | 'trace' | 'kernel';
export type AskedEngine = 'auto' | Engine;

/** An engine, and what speaks against others that would have come first; no engine: what speaks against each. */
export interface Choice {
  readonly engine: Engine | undefined;
  readonly reasons: readonly string[];
}

const ALL = ['notify', 'trace', 'kernel'] as const;

/**
 * The first engine that nothing speaks against, of all or of the one that was asked for.
 * @param probe not asked where the kernel engine alone is in question
 */
export function chooseEngine(asked: AskedEngine, probe: () => Features, run: KernelRun): Choice {
  const reasons: string[] = [];
  let features: Features | undefined;
  for (const engine of asked === 'auto' ? ALL : [asked]) {
    const objections = objectionsTo(engine, () => (features ??= probe()), run);
    if (objections.length === 0) return { engine, reasons };
    reasons.push(...objections.map((objection) => `${engine}: ${objection}`));
  }
  return { engine: undefined, reasons };
}

function objectionsTo(engine: Engine, features: () => Features, run: KernelRun): string[] {
  switch (engine) {
    case 'notify':
      return [...notifyObjections(features()), ...socketObjections(run)];
    case 'trace':
      return [...traceObjections(features()), ...socketObjections(run)];
    case 'kernel':
      return kernelObjections(run);
  }
}

const BUSY = 'another supervisor listens to this process already';

function notifyObjections({ listener, addDescriptor, processVmReadv }: Features): string[] {
  if (listener === -Errno.EBUSY) return [BUSY];
  if (listener < 0) return [`a filter with a listener: ${attemptText(listener)}`];
  if (processVmReadv < 0) return [`process_vm_readv: ${attemptText(processVmReadv)}`];
  return addDescriptor < 0 ? [`handing over descriptors: ${attemptText(addDescriptor)}`] : [];
}

/** The judge of addresses acts on a copy of the target's socket, and lets the kernel read no address again. */
function socketObjections({ policy }: KernelRun): string[] {
  if (policy.network === undefined || canCopyDescriptors()) return [];
  return ['pidfd_getfd is not permitted, and addresses cannot be judged without it'];
}

/**
 * Of several filters the one whose action ranks highest decides, and a listener outranks a tracer (seccomp(2)): inside
 * a sandbox with a listener the outer supervisor would answer calls that the inner one never sees.
 */
function traceObjections({ listener, processVmReadv, ptrace }: Features): string[] {
  if (listener === -Errno.EBUSY) return [`${BUSY}, and is asked before any tracer`];
  if (processVmReadv < 0) return [`process_vm_readv: ${attemptText(processVmReadv)}`];
  return ptrace < 0 ? [`ptrace: ${attemptText(ptrace)}`] : [];
}

function kernelObjections(run: KernelRun): string[] {
  const prepared = prepareKernel(run);
  if (!('plan' in prepared)) return prepared.map(obstacleText);
  if (prepared.ruleset.descriptor !== undefined) close(prepared.ruleset.descriptor);
  return [];
}
