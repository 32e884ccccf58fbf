/** What `--why` answers: values, and their text. */

export interface Answer {
  readonly access: 'read' | 'write' | 'execute' | 'connect';
  /** As the kernel names it, escaped. */
  readonly what: string;
  readonly allowed: boolean;
  /** The rule that decides, as a person said it, or what decides in the place of one. */
  readonly rule: string;
  /** `system`: file permissions. `nobody`: nothing is restricted. */
  readonly by: 'Landlock' | 'supervisor' | 'filter' | 'system' | 'nobody';
  /** What else is to be known about it. */
  readonly note?: string | undefined;
}

const HOLDERS: Readonly<Record<Answer['by'], string>> = {
  Landlock: '; held by Landlock',
  supervisor: '; held by the supervisor',
  filter: '; held by the filter',
  system: '; held by the permissions of files',
  nobody: '',
};

/** `refused: read /home/ann/.ssh/id_rsa: --read-deny=@secrets (~/.ssh); held by Landlock`. */
export function answerText({ access, what, allowed, rule, by, note }: Answer): string {
  const besides = note === undefined ? '' : ` (${note})`;
  return `${allowed ? 'allowed' : 'refused'}: ${access} ${what}: ${rule}${HOLDERS[by]}${besides}`;
}
