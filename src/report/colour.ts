/** Colours, where they are seen and wanted (no-color.org). */
import { styleText } from 'node:util';
import { isTerminal } from '../linux/terminal.ts';

export type Tone = 'title' | 'advice' | 'warning';
export type Paint = (tone: Tone, text: string) => string;

const FORMATS = { title: 'bold', advice: 'green', warning: 'yellow' } as const;

/** True for a terminal, unless the environment says that it wants or has no colours. */
export function wantsColour(fd: number, environment: Readonly<Record<string, string | undefined>>): boolean {
  return !environment['NO_COLOR'] && environment['TERM'] !== 'dumb' && isTerminal(fd);
}

export const plain: Paint = (_, text) => text;

/** Whether the stream takes colours was looked at already: `validateStream` would look at standard output. */
export const colourful: Paint = (tone, text) => styleText(FORMATS[tone], text, { validateStream: false });
