/** `secfilt --probe`: what this machine has, and which engine a run with the same options would take. */
import { writeSync } from 'node:fs';
import { release } from 'node:os';
import { chooseEngine, type Choice } from '../supervise/engines/choose-engine.ts';
import { attemptText, probeFeatures, type Features } from '../supervise/engines/probe-features.ts';
import { probeKernel } from '../supervise/engines/probe.ts';
import { identifySelf } from '../supervise/engines/self.ts';
import { makePolicy } from './make-policy.ts';
import { ownPlaces } from './own-places.ts';
import type { Settings } from './settings.ts';
import { VERSION } from './version.ts';

const WORDS: readonly (readonly [key: Exclude<keyof Features, 'landlock'>, words: string])[] = [
  ['listener', 'seccomp listener'],
  ['addDescriptor', 'descriptors handed over by the listener'],
  ['syncWakeUp', 'wake-up on the same CPU'],
  ['waitKillable', 'calls not interrupted while answered'],
  ['pidfdGetfd', 'pidfd_getfd'],
  ['processVmReadv', 'process_vm_readv'],
  ['ptrace', 'ptrace'],
  ['mseal', 'mseal'],
];

/** Prints it, as text or as one JSON object. */
export async function probe(settings: Settings, json: boolean): Promise<void> {
  const policy = await makePolicy(settings.policy);
  const identity = identifySelf();
  const features = probeFeatures(identity.capabilities);
  const kernel = probeKernel(process.env);
  const choice = chooseEngine(settings.engine, () => features, {
    policy,
    features: kernel,
    terminals: [],
    own: ownPlaces(settings, policy),
    identity,
    command: Buffer.alloc(0),
    argv: [],
    logged: settings.log !== undefined,
  });
  writeSync(1, json ? jsonText(features, choice) : plainText(features, choice));
}

function plainText(features: Features, choice: Choice): string {
  const width = Math.max(...WORDS.map(([, words]) => words.length)) + 2;
  const landlock = features.landlock === 0 ? 'no' : `ABI ${features.landlock}`;
  return [
    `secfilt ${VERSION} on Linux ${release()}`,
    `  ${'Landlock'.padEnd(width)}${landlock}`,
    ...WORDS.map(([key, words]) => `  ${words.padEnd(width)}${attemptText(features[key])}`),
    choice.engine === undefined
      ? 'no engine can do this:'
      : `engine: ${choice.engine}${choice.reasons.length === 0 ? '' : ', because'}`,
    ...choice.reasons.map((reason) => `  ${reason}`),
    '',
  ].join('\n');
}

function jsonText(features: Features, choice: Choice): string {
  const attempts = WORDS.map(([key]) => [
    key,
    { works: features[key] >= 0, errno: Math.max(-features[key], 0) },
  ]);
  const result = {
    version: VERSION,
    kernel: release(),
    landlock: features.landlock,
    ...Object.fromEntries(attempts),
    engine: choice.engine ?? null,
    reasons: choice.reasons,
  };
  return `${JSON.stringify(result)}\n`;
}
