/** The backend of a sandbox: the one that was asked for, or a service where one can be, else a secfilt for each command. */
import type { Backend, BackendRequest } from './backend.ts';
import { startDirect } from './direct.ts';
import { SandboxError } from './errors.ts';
import { SERVICE } from './place.ts';
import { Service, ServiceUnavailable } from './service.ts';

export type BackendName = 'auto' | 'service' | 'direct';

/** The one of this program, once it was needed. */
let service: Service | undefined;

export async function startBackend(name: BackendName, request: BackendRequest): Promise<Backend> {
  if (name === 'direct') return startDirect(request);
  try {
    return await startInService(request);
  } catch (error) {
    if (name === 'service' || !(error instanceof ServiceUnavailable)) throw error;
    return startDirect(request);
  }
}

async function startInService(request: BackendRequest): Promise<Backend> {
  if (service?.isAlive !== true) service = new Service(SERVICE);
  const opened = service.open(request);
  const { signal } = request;
  if (signal === undefined) return opened;
  return Promise.race([opened, rejection(signal, opened)]);
}

/** Rejects when the signal comes before the sandbox, which is closed as soon as it is there. */
function rejection(signal: AbortSignal, opened: Promise<Backend>): Promise<never> {
  return new Promise((_, fail) => {
    const aborted = (): void => {
      opened.then(async (backend) => backend.close()).catch(() => undefined);
      fail(signal.reason instanceof Error ? signal.reason : new SandboxError(String(signal.reason)));
    };
    signal.addEventListener('abort', aborted, { once: true });
    opened.catch(() => undefined).finally(() => signal.removeEventListener('abort', aborted));
  });
}
