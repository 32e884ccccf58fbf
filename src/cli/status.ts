/** `secfilt --status`: this process becomes a client that asks a service what runs there, and prints it. */
import { execute, keepStandardDescriptors } from '../linux/execute.ts';
import { memfdCreate, write } from '../linux/libc.ts';
import { SyscallError } from '../linux/errno.ts';
import { buildClient } from '../launch/client.ts';
import { escapeBytes } from '../report/escape.ts';
import { usualSocket } from '../service/place.ts';
import { encodeRequest } from '../service/request.ts';
import type { Assignment } from './assignments.ts';
import { givenPath } from './given-path.ts';

const MFD_EXEC = 0x10;

/** Returns only to say what failed, by a SyscallError. */
export function status(given: Assignment, json: boolean): never {
  const socket = given.text === '' ? Buffer.from(usualSocket(process.env)) : givenPath(given);
  const request = encodeRequest({ wanted: { kind: 'status', json }, words: [] });
  const image = buildClient({ socket, request, names: { socket: escapeBytes(socket) } });
  let file = memfdCreate('secfilt-status', MFD_EXEC);
  if (file < 0) file = memfdCreate('secfilt-status', 0);
  if (file < 0) throw new SyscallError('memfd_create', -file);
  write(file, image, image.length);
  keepStandardDescriptors();
  const result = execute(Buffer.from(`/proc/self/fd/${file}`), [Buffer.from('secfilt')]);
  throw new SyscallError('execve', -result);
}
