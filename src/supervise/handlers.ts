/** Which handler answers which call. A call without one is refused. */
import { entriesOf } from '../linux/entries.ts';
import { X86_64, type SyscallName } from '../linux/syscalls.ts';
import { Errno } from '../linux/errno.ts';
import { mayMoveUnseen } from '../judge/files.ts';
import { ListenRules } from '../judge/listening.ts';
import { asTarget } from './as-target.ts';
import { OTHER_RIGHTS, refused, untrusted, type Context } from './context.ts';
import type { FileContext, FileHandler } from './files/context.ts';
import type { Reporter } from '../report/event.ts';
import { changesCredentials, credentialChange } from './target/credentials.ts';
import * as accesses from './files/access.ts';
import * as entries from './files/entries.ts';
import { ioctl, isFileIoctl } from './files/ioctl.ts';
import { landlockDecides } from './files/landlock-decides.ts';
import * as links from './files/link.ts';
import * as looks from './files/look.ts';
import { MadeFiles } from './files/made-files.ts';
import * as metadata from './files/metadata.ts';
import * as opens from './files/open.ts';
import { PseudoTerminals } from './files/pseudo-terminals.ts';
import { Terminals } from './files/terminals.ts';
import { truncate } from './files/truncate.ts';
import * as names from './files/two-names.ts';
import { ipcHandlers, type IpcMade } from './ipc/handlers.ts';
import { MadeObjects } from './ipc/made-objects.ts';
import { MadeQueues } from './ipc/made-queues.ts';
import { bind } from './network/bind.ts';
import { connect } from './network/connect.ts';
import { BlockingConnects, type NetworkContext, type NetworkHandler } from './network/context.ts';
import { listen } from './network/listen.ts';
import { getpeername, recvfrom, recvmmsg, recvmsg } from './network/names/receive.ts';
import { setsockopt, sharesPort } from './network/shared-port.ts';
import { sendmmsg, sendmsg, sendto } from './network/send.ts';
import { isMissing, mayBeMissing } from './older-kernels.ts';
import { observed } from './outcomes.ts';
import { PROCESS_HANDLERS } from './processes/process-handlers.ts';
import { InnerDomains, landlockCreateRuleset, landlockRestrictSelf } from './target/inner-domains.ts';
import { QuickWay } from './files/quick-way.ts';
import { WOULD_WAIT } from './pending.ts';
import { CONTINUE_CALL, fail, type Referral, type Reply } from './referral.ts';
import { refusedCall } from './refused-calls.ts';
import { clone, sharesTable } from './target/descriptor-tables.ts';
import { isSignalCommand, isSignalIoctl, setOwner, signalIoctl } from './processes/signal-owner.ts';
import { watchCall } from './watch.ts';

const FILE_HANDLERS: Partial<Record<SyscallName, FileHandler>> = {
  open: opens.open,
  openat: opens.openat,
  openat2: opens.openat2,
  creat: opens.creat,
  landlock_create_ruleset: landlockCreateRuleset,
  landlock_restrict_self: landlockRestrictSelf,
  access: accesses.access,
  faccessat: accesses.faccessAt,
  faccessat2: accesses.faccessAt2,
  truncate,
  mkdir: entries.mkdir,
  mkdirat: entries.mkdirAt,
  mknod: entries.mknod,
  mknodat: entries.mknodAt,
  symlink: entries.symlink,
  symlinkat: entries.symlinkAt,
  unlink: entries.unlink,
  unlinkat: entries.unlinkAt,
  rmdir: entries.rmdir,
  rename: names.rename,
  renameat: names.renameAt,
  renameat2: names.renameAt2,
  link: links.link,
  linkat: links.linkAt,
  readlink: looks.readlink,
  readlinkat: looks.readlinkAt,
  execve: looks.execve,
  execveat: looks.execveAt,
  chmod: metadata.chmod,
  fchmod: metadata.fchmod,
  fchmodat: metadata.fchmodAt,
  fchmodat2: metadata.fchmodAt2,
  chown: metadata.chown,
  fchown: metadata.fchown,
  lchown: metadata.lchown,
  fchownat: metadata.fchownAt,
  utime: metadata.utime,
  utimes: metadata.utimes,
  futimesat: metadata.futimesAt,
  utimensat: metadata.utimensAt,
  setxattr: metadata.setxattr,
  lsetxattr: metadata.lsetxattr,
  fsetxattr: metadata.fsetxattr,
  setxattrat: metadata.setxattrAt,
  removexattr: metadata.removexattr,
  lremovexattr: metadata.lremovexattr,
  fremovexattr: metadata.fremovexattr,
  removexattrat: metadata.removexattrAt,
  file_setattr: metadata.fileSetattr,
  ioctl,
};

const NETWORK_HANDLERS: Partial<Record<SyscallName, NetworkHandler>> = {
  connect,
  bind,
  sendto,
  sendmsg,
  sendmmsg,
  listen,
  recvfrom,
  recvmsg,
  recvmmsg,
  getpeername,
};

/** Whatever the policy: which calls may change the caller's credentials, or add a filter. */
const CREDENTIAL_CALLS: readonly SyscallName[] = [
  'setuid',
  'setgid',
  'setreuid',
  'setregid',
  'setresuid',
  'setresgid',
  'setfsuid',
  'setfsgid',
  'setgroups',
  'capset',
  'prctl',
  'seccomp',
];

export type Handler = (referral: Referral) => Reply;

/** Where handlers say what is to be let go of when the sandbox has ended. */
interface SandboxEnd {
  readonly atEnd: (release: () => void) => void;
}

/** The handlers of a sandbox, by the number of the call. */
export function makeHandlers(
  context: Context & Partial<FileContext> & Partial<NetworkContext> & Partial<IpcMade> & Partial<SandboxEnd>,
): ReadonlyMap<number, Handler> {
  const handlers = new Map<number, Handler>(
    CREDENTIAL_CALLS.map((name) => [
      X86_64[name],
      (referral) =>
        changesCredentials(referral) ? credentialChange(referral, context) : refusedCall(referral, context),
    ]),
  );
  const { files, network, unix, bound, pending, made = new MadeFiles() } = context;
  if (pending !== undefined) {
    pending.refuse = (referral, rule) => refused(referral, context, 'other', { kind: 'none' }, rule);
  }
  if (files !== undefined && pending !== undefined) {
    const isQuick = files.landlock && !context.reporter.wantsAllowed;
    const quick = isQuick ? new QuickWay(files.writable) : undefined;
    const quickReading = isQuick && files.reading ? new QuickWay(files.reading.readable) : undefined;
    // Not of handlers that are made for one answered question: these hold nothing open, and would be kept until the sandbox ends.
    if (isQuick)
      context.atEnd?.(() => {
        quick?.release();
        quickReading?.release();
      });
    const fileContext: FileContext = {
      ...context,
      files,
      pending,
      quick,
      quickNames: mayMoveUnseen(files) ? quick : undefined,
      quickReading,
      innerDomains: context.innerDomains ?? new InnerDomains(),
      terminals: context.terminals ?? Terminals.among([]),
      made,
      pseudoTerminals: context.pseudoTerminals ?? new PseudoTerminals(),
    };
    const contextFor = performing(fileContext);
    for (const [name, handler] of entriesOf(FILE_HANDLERS)) {
      const number = X86_64[name];
      const performed: FileHandler = (referral, own) => handler(referral, contextFor(referral, own));
      const handle: Handler = (referral) =>
        context.credentials.haveOurRights(referral.tid)
          ? performed(referral, fileContext)
          : (asTarget(referral, fileContext, performed) ?? withOtherRights(referral, fileContext, handler));
      handlers.set(number, mayBeMissing(number) ? unlessMissing(number, handle) : handle);
    }
  }
  const { objects = new MadeObjects(), queues = new MadeQueues() } = context;
  for (const [number, handle] of ipcHandlers({ ...context, objects, queues }, asWhoCalls))
    handlers.set(number, handle);
  const cloning: Handler = (referral) =>
    sharesTable(referral.uint(0)) ? clone(referral, context) : refusedCall(referral, context);
  const owner = asWhoCalls(context, setOwner);
  const signalling: Handler = (referral) =>
    isSignalCommand(referral.int(1)) ? owner(referral) : refusedCall(referral, context);
  for (const [name, handler] of entriesOf(PROCESS_HANDLERS)) {
    handlers.set(
      X86_64[name],
      name === 'clone' ? cloning : name === 'fcntl' ? signalling : asWhoCalls(context, handler),
    );
  }
  const signal = asWhoCalls(context, signalIoctl);
  const other = handlers.get(X86_64.ioctl);
  handlers.set(X86_64.ioctl, (referral) =>
    isSignalIoctl(referral.uint(1))
      ? signal(referral)
      : ((isFileIoctl(referral.uint(1)) ? other?.(referral) : undefined) ?? refusedCall(referral, context)),
  );
  const judgesNetwork = network !== undefined && unix !== undefined && bound !== undefined;
  if (judgesNetwork && files !== undefined && pending !== undefined) {
    const blocking = new BlockingConnects();
    const networkContext: NetworkContext = {
      ...context,
      files,
      network,
      listening: context.listening ?? new ListenRules(undefined),
      unix,
      bound,
      pending,
      made,
      blocking,
      names: context.names,
    };
    for (const [name, handler] of entriesOf(NETWORK_HANDLERS)) {
      handlers.set(X86_64[name], asWhoCalls(networkContext, handler));
    }
    const sharing = asWhoCalls(networkContext, setsockopt);
    handlers.set(X86_64.setsockopt, (referral) =>
      sharesPort(referral) ? sharing(referral) : refusedCall(referral, context),
    );
  }
  const refuse: Handler = (referral) => refusedCall(referral, context);
  for (const number of Object.values(X86_64)) if (!handlers.has(number)) handlers.set(number, refuse);
  for (const [number, handle] of handlers) handlers.set(number, inTime(handle, context));
  const { outcomes } = context.reporter;
  return outcomes === undefined ? handlers : observed(handlers, outcomes);
}

/**
 * Where somebody has to know what came of a call it is performed, as on a kernel without Landlock. Not for those whose
 * rights are not our own: for them the kernel goes on, and nobody knows.
 */
function performing({
  reporter,
  files,
}: FileContext): (referral: Referral, context: FileContext) => FileContext {
  if (reporter.outcomes === undefined) return (_referral, context) => context;
  const performed = { ...files, landlock: false };
  return ({ tid }, context) =>
    context.credentials.areOurs(tid) && !context.innerDomains.exist
      ? { ...context, files: performed }
      : context;
}

/** Calls about sockets and processes are handled with the caller's credentials where that can be; else nothing that needs them is done. */
function asWhoCalls<Own extends Context>(
  context: Own,
  handler: (referral: Referral, context: Own) => Reply,
): Handler {
  return (referral) =>
    context.credentials.haveOurRights(referral.tid)
      ? handler(referral, context)
      : (asTarget(referral, context, handler) ?? toldThroughout(referral, context, handler));
}

/** As the supervisor itself, where nothing may come of it but what needs no rights: whatever is refused for want of these is told too. */
function toldThroughout<Own extends Context>(
  referral: Referral,
  context: Own,
  handler: (referral: Referral, context: Own) => Reply,
): Reply {
  let isTold = false;
  const reporter: Reporter = {
    wantsAllowed: context.reporter.wantsAllowed,
    report(event) {
      isTold ||= event.verdict === 'refused';
      context.reporter.report(event);
    },
  };
  const reply = handler(referral, { ...context, reporter });
  const isRefused = reply.kind === 'errno' && reply.errno === Errno.EPERM;
  return isRefused && !isTold ? untrusted(referral, context, 'other') : reply;
}

/** For a thread whose rights cannot be taken on nothing is looked up or done with ours: either Landlock decides, or nobody could. */
function withOtherRights(referral: Referral, context: FileContext, handler: FileHandler): Reply {
  if (handler === landlockRestrictSelf || handler === landlockCreateRuleset)
    return handler(referral, context);
  if (context.files.landlock && landlockDecides(referral, !mayMoveUnseen(context.files)))
    return CONTINUE_CALL;
  // Callers of openat2(2) know what to do then, and open(2) may go on.
  if (referral.number === X86_64.openat2) return fail(Errno.ENOSYS);
  return refused(referral, context, 'other', { kind: 'none' }, OTHER_RIGHTS);
}

/** What was interrupted because it took too long is refused. */
function inTime(handle: Handler, context: Context): Handler {
  return (referral) => {
    watchCall();
    const reply = handle(referral);
    if (reply.kind !== 'errno' || reply.errno !== Errno.EINTR) return reply;
    return refused(referral, context, 'other', { kind: 'none' }, WOULD_WAIT);
  };
}

/** A call that the kernel lacks is answered as natively: callers know what to do then. */
function unlessMissing(number: number, handle: Handler): Handler {
  return (referral) => (isMissing(number) ? fail(Errno.ENOSYS) : handle(referral));
}

/** Answers one referral. Whatever goes wrong in here ends in a refusal. */
export function answer(
  referral: Referral,
  handlers: ReadonlyMap<number, Handler>,
  fault: (error: unknown) => void,
): void {
  let reply: Reply;
  try {
    reply = handlers.get(referral.number)?.(referral) ?? fail(Errno.EPERM);
  } catch (error) {
    fault(error);
    reply = fail(Errno.EPERM);
  }
  referral.reply(reply);
}
