/**
 * Where a program may listen, as a person gives it: `8080`, `8000-8010/tcp`, `127.0.0.2:80`, `[2001:db8::1]:443`, `10.0.0.0/8:80,443`.
 * Import it lazily: the library behind networks costs start-up time.
 */
import { parseDestination } from './destination-words.ts';
import type { ListenRule } from './destinations.ts';
import { parsePortRange } from './ports.ts';

/** In place of all rules: nowhere. */
export const NOWHERE = 'none';

const PORTS_ALONE_PATTERN = /^(?<ports>\d[\d,-]*)(?:\/(?<protocol>tcp|udp))?$/i;

/** Throws a ValueError. */
export function parseListen(text: string): ListenRule[] {
  const { ports, protocol } = PORTS_ALONE_PATTERN.exec(text)?.groups ?? {};
  if (ports === undefined) {
    const word = parseDestination(text, 'networks');
    return word.places.flatMap((place) =>
      place.kind === 'network'
        ? [{ network: place.network, ports: word.ports, protocol: word.protocol }]
        : [],
    );
  }
  const name = protocol?.toLowerCase();
  return [
    {
      network: undefined,
      ports: ports.split(',').map(parsePortRange),
      protocol: name === 'tcp' || name === 'udp' ? name : undefined,
    },
  ];
}
