/** All files that are made from the option table. */
import { policySchema } from '../options/policy-schema.ts';
import { completions } from './completions.ts';
import { manPage } from './man-page.ts';

/** The text of each file, by its path in the project. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const shells = Object.entries(completions()).map(
    ([name, text]) => [`share/completions/${name}`, text] as const,
  );
  return Object.fromEntries([
    ['share/man/man1/secfilt.1', manPage()],
    ['share/policy.schema.json', `${JSON.stringify(policySchema(), undefined, 2)}\n`],
    ...shells,
  ]);
}
