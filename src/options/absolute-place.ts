/** Places that a program names, for a command line that is read elsewhere. */
import { quotePlace, setNamed } from '../policy/place-text.ts';
import { KeyError } from './key-error.ts';

/** Where the paths of a policy start. */
export interface Surroundings {
  /** An absolute path. */
  readonly cwd: string;
  /** What `~` stands for; undefined where nobody says. */
  readonly home: string | undefined;
}

/** The same place, whose path is absolute. A dollar sign means nothing to a program, which has the variables itself. */
export function absolutePlace(key: string, place: string, { cwd, home }: Surroundings): string {
  if (setNamed(place) !== undefined) return place;
  const text = place.replace(/\\[^]|\$/g, (sign) => (sign === '$' ? String.raw`\$` : sign));
  if (text.startsWith('/')) return text;
  if (!text.startsWith('~')) return `${quotePlace(cwd)}/${text}`;
  return `${quotePlace(homeFor(key, place, home))}${text.slice(1)}`;
}

/** What the `~` at the start of a path stands for. */
export function homeFor(key: string, path: string, home: string | undefined): string {
  if (path !== '~' && !path.startsWith('~/'))
    throw new KeyError(key, 'names the home of another user', {
      word: path,
      hint: 'write "./~" for a file so called',
    });
  if (home === undefined || home === '')
    throw new KeyError(key, 'needs $HOME, which is not set', { word: path });
  return home;
}
