/**
 * A client that has connected (launch/client.ts), until it has become its command. Nothing in here waits: a client that is slow,
 * silent or hostile costs a few descriptors until its time is up.
 */
import { Errno, errnoMessage } from '../linux/errno.ts';
import { close } from '../linux/libc.ts';
import { setSyncWakeUp } from '../linux/seccomp.ts';
import { receiveRecord, sendRecord } from '../linux/unix-listener.ts';
import { resolveCommand } from '../launch/command.ts';
import { HandoverSteps, launchOutcome, Reach, type Handover } from '../launch/handover.ts';
import { connectedPair } from '../launch/launch.ts';
import { LaunchError } from '../launch/launch-error.ts';
import { Region } from '../launch/region.ts';
import { servedCommand, servedEnforcement, servedFarewell, servedText } from '../launch/served-rows.ts';
import { filterProgram } from '../plan/filter/program.ts';
import { executeObstacle, makePlan } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { escapeBytes } from '../report/escape.ts';
import { notify } from '../seccomp/expression.ts';
import { givenTerminals } from '../supervise/engines/given-terminals.ts';
import type { Loop } from '../supervise/engines/loop.ts';
import { whyNotStarted } from '../supervise/engines/not-started.ts';
import { makeRuleset } from '../supervise/engines/ruleset.ts';
import { lookAround } from '../supervise/engines/surroundings.ts';
import { PendingCalls } from '../supervise/pending.ts';
import { Sandbox } from '../supervise/sandbox.ts';
import { loadNameService } from '../supervise/network/names/load-names.ts';
import { Members } from '../supervise/target/members.ts';
import type { Peer } from './peer.ts';
import { argumentsOf, directoryOf, searchPathOf, streamsOf } from './process-facts.ts';
import { LONGEST_REQUEST, decodeRequest, type PolicyWanted, type ServiceRequest } from './request.ts';
import { RunningSandbox } from './running-sandbox.ts';
import type { SandboxReporter, ServedPolicy, Supervisor } from './served.ts';

/** Milliseconds that a client may take. */
const TIME_LIMIT = 10_000;
const FAILURE = 125;
const CANNOT_EXECUTE = 126;
const NOT_FOUND = 127;

export interface HandshakeOptions {
  readonly loop: Loop;
  readonly supervisor: Supervisor;
  /** Finds or makes a policy. Throws an Error whose message says to whoever started the client why there is none. */
  readonly policyFor: (wanted: PolicyWanted) => Promise<ServedPolicy>;
  /** What is told of all sandboxes. */
  readonly status: (asJson: boolean) => Buffer;
  /** The client has become its command. */
  readonly started: (sandbox: RunningSandbox) => void;
  /** A sandbox that has been started is gone. */
  readonly gone: (sandbox: RunningSandbox) => void;
  /** The handshake is over, whatever has come of it. */
  readonly over: (handshake: Handshake) => void;
}

/** More than there are: those that there are not are refused, which is no matter. */
const EVERY_CAPABILITY = Array.from({ length: 64 }, (_, capability) => capability);

/** What the client is to become, once the plan is in force. */
interface Preparation {
  readonly served: ServedPolicy;
  readonly reporter: SandboxReporter;
  readonly command: Buffer;
  readonly request: ServiceRequest;
  readonly members: Members;
  readonly pending: PendingCalls;
  readonly sandbox: Sandbox;
  readonly controlSocket: number;
  /** The watchdog knows who is in the sandbox. */
  readonly signalScope: boolean;
  readonly steps: HandoverSteps;
}

export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #socket: number;
  readonly #peer: Peer;
  readonly #keepTime: () => void;
  #watched: readonly number[] = [];
  #served: ServedPolicy | undefined;
  #preparation: Preparation | undefined;
  #running: RunningSandbox | undefined;
  #isOver = false;

  /** Takes over the socket and the peer's descriptor. Throws a SyscallError, and they stay the caller's then. */
  constructor(options: HandshakeOptions, socket: number, peer: Peer) {
    this.#options = options;
    this.#socket = socket;
    this.#peer = peer;
    this.#watch([socket], () => this.#receiveRequest());
    this.#keepTime = options.loop.later(TIME_LIMIT, () => this.drop());
  }

  /** The policy that the client asks for, once that is known. */
  get served(): ServedPolicy | undefined {
    return this.#served;
  }

  /** Ends it where it stands: the client hears that the service has ended. */
  drop(): void {
    if (this.#isOver) return;
    if (this.#running !== undefined) {
      this.#running.end();
      this.#finish();
      return;
    }
    if (this.#preparation !== undefined) {
      const { controlSocket, sandbox, steps } = this.#preparation;
      close(controlSocket);
      if (steps.watchdog !== undefined) close(steps.watchdog.pidDescriptor);
      sandbox.release();
    }
    this.#finish();
    close(this.#peer.pidDescriptor);
  }

  #finish(): void {
    this.#isOver = true;
    this.#watch([], () => {});
    this.#keepTime();
    close(this.#socket);
    this.#options.over(this);
  }

  /** A line for whoever has started the client, which ends with the exit code. */
  #refuse(text: string, exitCode: number): void {
    const at = this.#preparation === undefined ? Region.table : Region.word;
    if (!this.#isOver) sendRecord(this.#socket, servedFarewell(`secfilt: ${text}\n`, exitCode, at), []);
    this.drop();
  }

  #receiveRequest(): void {
    const record = receiveRecord(this.#socket, LONGEST_REQUEST);
    if (record === -Errno.EAGAIN) return;
    if (typeof record === 'number' || record.length === 0) return this.drop();
    this.#watch([], () => {});
    const request =
      record === 'longer' ? `a request of over ${LONGEST_REQUEST} bytes` : decodeRequest(record);
    if (typeof request === 'string') return this.#refuse(`the service cannot use ${request}`, FAILURE);
    if (request.wanted.kind === 'status') return this.#tellStatus(request.wanted.json);
    this.#prepare(request, request.wanted).catch((error: unknown) => {
      this.#refuse(error instanceof Error ? error.message : String(error), FAILURE);
    });
    this.#options.loop.turnSoon();
  }

  #tellStatus(asJson: boolean): void {
    sendRecord(this.#socket, servedText(this.#options.status(asJson)), []);
    this.drop();
  }

  async #prepare(request: ServiceRequest, wanted: PolicyWanted): Promise<void> {
    const served = await this.#options.policyFor(wanted);
    // It was dropped meanwhile: its descriptors may be others' by now.
    if (this.#isOver) return;
    this.#served = served;
    const command = this.#findCommand(request, served.policy);
    if (command === undefined) return;
    const { identity, features, judges, fault } = this.#options.supervisor;
    const { policy } = served;
    const obstacle = executeObstacle(policy, features);
    if (obstacle !== undefined) throw new Error(obstacle);
    const { pid, pidDescriptor, capabilities } = this.#peer;
    const streams = streamsOf(pidDescriptor);
    /** What is not kept, whatever comes. */
    const passing = [...streams];
    try {
      const terminals = givenTerminals(streams);
      const surroundings = lookAround(policy, served.own);
      const { wantsReports } = served;
      const options = { refer: notify, judges, terminals, surroundings, wantsReports };
      const plan = makePlan(policy, features, options);
      const filter = await filterProgram(plan.situation);
      await loadNameService(plan.policy);
      if (this.#isOver) return;
      const ruleset = makeRuleset(plan);
      if (ruleset.descriptor !== undefined) passing.push(ruleset.descriptor);
      const reporter = served.reporterFor(pid);
      const pending = new PendingCalls(fault);
      const signalScope = plan.landlock?.signalScope ?? false;
      const members = new Members(identity.filters, false, { pid, isAsked: signalScope });
      const { writable, readable } = ruleset;
      const rows = servedEnforcement({
        filter,
        listener: true,
        waitKillable: plan.waitKillable,
        landlock: ruleset.descriptor !== undefined,
        signalScope,
        withoutCores: plan.situation.withoutCores,
        bounding: EVERY_CAPABILITY,
        dropCapabilities:
          identity.capabilities === undefined && capabilities === 0n
            ? undefined
            : (identity.capabilities ?? 0n),
      });
      const [near, far] = connectedPair();
      passing.push(far);
      const sandbox = new Sandbox(
        { plan, identity, reporter, ask: served.askerFor?.(pid) },
        { writable, readable, pending, members, streams, watching: this.#options.loop },
      );
      const steps = new HandoverSteps(
        { reportSocket: this.#socket, controlSocket: near, steps: rows.steps },
        pidDescriptor,
      );
      this.#preparation = {
        served,
        reporter,
        command,
        request,
        members,
        pending,
        sandbox,
        controlSocket: near,
        signalScope,
        steps,
      };
      // The ruleset has its number too where there is none.
      const sent = sendRecord(this.#socket, rows.bytes, [ruleset.descriptor ?? far, far]);
      if (sent < 0) return this.drop();
    } finally {
      for (const descriptor of passing) close(descriptor);
    }
    this.#advance(false, false);
  }

  /** Looked up as the client would; undefined where it was told that there is none. */
  #findCommand(request: ServiceRequest, policy: Policy): Buffer | undefined {
    const { pid } = this.#peer;
    const name = request.words[0] ?? argumentsOf(pid)?.[1];
    if (name === undefined) {
      this.#refuse('no command was given', FAILURE);
      return undefined;
    }
    const cwd = directoryOf(pid);
    const found = resolveCommand(name, searchPathOf(pid), `/proc/self/fd/${cwd}`);
    const why =
      found.kind === 'found' ? whyNotStarted(policy, found.path, `/proc/self/fd/${cwd}`) : undefined;
    if (cwd >= 0) close(cwd);
    if (why !== undefined) {
      this.#refuse(why, CANNOT_EXECUTE);
      return undefined;
    }
    if (found.kind === 'found') return found.path;
    if (found.kind === 'notFound') this.#refuse(`${escapeBytes(name) || "''"}: command not found`, NOT_FOUND);
    else this.#refuse(`${escapeBytes(found.path)}: ${errnoMessage(found.errno)}`, CANNOT_EXECUTE);
    return undefined;
  }

  #advance(isReadable: boolean, hasEnded: boolean): void {
    const preparation = this.#preparation;
    if (preparation === undefined) return;
    const { steps } = preparation;
    let handover: Handover | undefined;
    try {
      handover = steps.advance(isReadable, hasEnded);
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      return this.#refuse(error.message, FAILURE);
    }
    if (handover !== undefined) return this.#execute(preparation, handover);
    const { socket, sender } = steps;
    this.#watch([socket, sender], (descriptor) =>
      this.#advance(descriptor === socket, descriptor === sender),
    );
  }

  /** From here on the sandbox is there, whatever becomes of the command. */
  #execute(preparation: Preparation, { listener, watchdog }: Handover): void {
    const { served, reporter, command, request, members, pending, sandbox, controlSocket } = preparation;
    const { loop, supervisor, started, gone } = this.#options;
    this.#watch([], () => {});
    members.exclude(watchdog.pid);
    const reach = preparation.signalScope ? new Reach(controlSocket) : undefined;
    if (reach !== undefined) members.askOf((one) => reach.has(one));
    setSyncWakeUp(listener);
    const { fault } = supervisor;
    const { pid, pidDescriptor } = this.#peer;
    const parts = {
      loop,
      pid,
      pidDescriptor,
      listener,
      controlSocket,
      reach,
      watchdog,
      sandbox,
      pending,
      served,
      reporter,
      fault,
    };
    try {
      this.#running = new RunningSandbox(parts, gone);
    } catch (error) {
      close(listener);
      throw error;
    }
    started(this.#running);
    const word = servedCommand({ path: command, words: request.words, skipped: 1 });
    if (sendRecord(this.#socket, word.bytes, []) < 0) return this.drop();
    this.#watch([this.#socket], () => this.#hearOutcome(command, word.steps));
  }

  #hearOutcome(command: Buffer, steps: readonly string[]): void {
    const outcome = launchOutcome({ reportSocket: this.#socket, controlSocket: undefined, steps });
    if (outcome === 'pending') return;
    if (outcome instanceof LaunchError) {
      const isItsOwn = outcome.step.startsWith('execve');
      const text = isItsOwn ? `${escapeBytes(command)}: ${errnoMessage(outcome.errno)}` : outcome.message;
      const exitCode = isItsOwn ? CANNOT_EXECUTE : FAILURE;
      sendRecord(this.#socket, servedFarewell(`secfilt: ${text}\n`, exitCode, Region.word), []);
    }
    this.#finish();
  }

  /** What goes wrong with one client is no matter of the others. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.supervisor.fault(error);
      this.drop();
    }
  }

  /** Watches these descriptors and no others. */
  #watch(descriptors: readonly number[], ready: (descriptor: number) => void): void {
    const { loop } = this.#options;
    for (const descriptor of this.#watched) loop.unwatch(descriptor);
    this.#watched = descriptors;
    for (const descriptor of descriptors)
      loop.watch(descriptor, () => this.#guarded(() => ready(descriptor)));
  }
}
