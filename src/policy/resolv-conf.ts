/** The words of resolv.conf(5) that name resolvers, as glibc finds them. */

/** The keyword starts the line; what follows the address does not count. */
const NAMESERVER_PATTERN = /^nameserver[ \t]+([^ \t]+)/;
const IPV6_SCOPE_PATTERN = /(?<=:.*)%.*$/;

/** As they are written, without the scope id: addresses, where they are right. */
export function nameservers(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const word = NAMESERVER_PATTERN.exec(line)?.[1];
    return word === undefined ? [] : [word.replace(IPV6_SCOPE_PATTERN, '')];
  });
}

const SEARCH_PATTERN = /^(?:search|domain)[ \t]+(.+)$/;

/** The domains that are tried behind a name, as the last line that has some says: lower case, without the dot at the end. */
export function searchDomains(text: string): string[] {
  const lines = text.split('\n').flatMap((line) => SEARCH_PATTERN.exec(line)?.[1] ?? []);
  const words = lines.at(-1)?.split(/[ \t\r]+/) ?? [];
  return words.map((word) => word.toLowerCase().replace(/\.$/, '')).filter((word) => word !== '');
}
