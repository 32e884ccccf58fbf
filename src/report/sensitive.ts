/**
 * Places that are not to be opened lightly: who may write there, or talk to that socket, soon runs programs outside the
 * sandbox or reads keys. A report marks them and suggests no option for them.
 */
import type { AddressBytes, Network, PathBytes } from '../policy/policy.ts';
import { isInNetwork } from '../policy/within.ts';
import type { ReportedObject } from './event.ts';

/** Reason, and the paths that it is a reason for, with all that is below them. `~` is anybody's home. */
const PLACE_LISTS: readonly (readonly [string, string])[] = [
  ['keys', '~/.ssh ~/.gnupg ~/.password-store ~/.local/share/keyrings'],
  [
    'credentials',
    '~/.aws ~/.azure ~/.config/gcloud ~/.kube ~/.docker ~/.netrc ~/.git-credentials ~/.npmrc ~/.pypirc',
  ],
  [
    'credentials',
    '~/.cargo/credentials.toml ~/.config/gh ~/.mozilla ~/.config/google-chrome ~/.config/chromium',
  ],
  [
    'shell start-up',
    '~/.bashrc ~/.bash_profile ~/.bash_login ~/.bash_logout ~/.profile ~/.inputrc ~/.kshrc ~/.login',
  ],
  ['shell start-up', '~/.zshrc ~/.zshenv ~/.zprofile ~/.zlogin ~/.zlogout ~/.config/fish ~/.cshrc ~/.tcshrc'],
  ['run at login', '~/.xprofile ~/.xinitrc ~/.xsession ~/.xsessionrc ~/.pam_environment ~/.config/autostart'],
  ['run at login', '~/.config/systemd ~/.config/environment.d'],
  ['runs commands', '~/.gitconfig ~/.config/git ~/.vimrc ~/.emacs ~/.emacs.d /var/spool/cron'],
  ['programs', '~/bin ~/.local/bin /bin /sbin /lib /lib32 /lib64 /usr /boot'],
  ['system settings', '/etc'],
  ['kernel interface', '/proc /sys'],
];
const PLACES: ReadonlyMap<string, string> = new Map(
  PLACE_LISTS.flatMap(([reason, places]) => places.split(' ').map((place) => [place, reason])),
);
const IN_ANY_REPOSITORY_PATTERN = /\/\.git\/(?:hooks(?:\/|$)|config$)/;

/** Sockets behind which somebody with more rights listens, by their path. */
const SOCKETS: readonly (readonly [RegExp, string])[] = [
  [/\/(?:docker|podman|containerd|crio|buildkitd)(?:\.raw)?\.sock$/, 'root by way of containers'],
  [/\/(?:lxd|incus)\/unix\.socket$|\/libvirt\/|\/snapd?[^/]*\.socket$/, 'root by way of a daemon'],
  [/\/(?:bus|system_bus_socket|dbus-[^/]*)$|\/systemd\/private$/, 'starts programs outside'],
  [/\/\.X11-unix\/X\d+$|\/wayland-\d+$|\/\.ICE-unix\//, 'keyboard and screen'],
  [/\/S\.gpg-agent[^/]*$|\/agent\.\d+$|\/ssh-[^/]*\/|\/keyring\//, 'use of keys'],
];
/** Under /run, yet nothing comes of them but names, times and log lines. */
const HARMLESS_DAEMONS_PATTERN = /^\/run\/(?:nscd\/|systemd\/(?:journal|resolve)\/|avahi-daemon\/)/;
const DAEMONS_PATTERN = /^\/run\/(?!user\/\d+\/)/;

/** Where clouds hand out credentials to whoever asks from inside. */
const METADATA_SERVICES: readonly AddressBytes[] = [
  Uint8Array.of(169, 254, 169, 254),
  Uint8Array.of(0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54),
];

/** Home directories as the kernel names them (homes.ts). */
export type Homes = readonly PathBytes[];

const HOME_REASON = 'a home directory';
/** Holds the hooks and the configuration of a repository, which run commands. */
const REPOSITORY_PATTERN = /\/\.git$/;

/** Why something is sensitive, in a few words; undefined where it is not. A directory is, too, for what lies in it. */
export function sensitivity(object: ReportedObject, homes: Homes): string | undefined {
  switch (object.kind) {
    case 'path':
      return ofPath(object.path, homes);
    case 'paths':
      return ofPath(object.from, homes) ?? ofPath(object.to, homes);
    case 'unix-path':
      return ofSocket(object.path.toString('latin1'));
    case 'unix-abstract':
      return ofSocket(`/${object.name.toString('latin1')}`);
    case 'address':
      return ofAddress(object.address);
    case 'host':
    case 'process':
    case 'none':
      return undefined;
  }
}

/** What is not to be read by just any program. */
export interface Secrets {
  /** A place is one, or lies in one. */
  has(path: PathBytes): boolean;
  /** It may hold some. */
  mayHold(path: PathBytes): boolean;
}

export const NO_SECRETS: Secrets = { has: () => false, mayHold: () => false };
const KEPT_REASONS: ReadonlySet<string> = new Set(['keys', 'credentials']);

/** Why a place is not to be opened lightly for reading, in a few words; undefined where it is not. */
export function secrecy(bytes: PathBytes, homes: Homes, secrets: Secrets): string | undefined {
  const path = bytes.toString('latin1');
  const reason = ofPath(bytes, homes);
  if (reason !== undefined && KEPT_REASONS.has(reason)) return reason;
  if (secrets.has(bytes)) return 'a secret';
  if (path === '/') return 'everything';
  const isHome = path === '/home' || namesOf(path, homes).includes('~');
  if (isHome) return HOME_REASON;
  if (homes.some((home) => home.toString('latin1').startsWith(`${path}/`))) return `holds ${HOME_REASON}`;
  return secrets.mayHold(bytes) ? 'holds secrets' : undefined;
}

/** True where a network is not to be opened as a whole, for an address in it. */
export function isSensitiveNetwork(network: Network): boolean {
  return METADATA_SERVICES.some((address) => isInNetwork(address, network));
}

/** Paths are compared as bytes: as characters of latin1, which none of them leaves this file as. */
function ofPath(bytes: PathBytes, homes: Homes): string | undefined {
  const path = bytes.toString('latin1');
  const names = namesOf(path, homes);
  for (const name of names) {
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) {
      const reason = PLACES.get(name.slice(0, end));
      if (reason !== undefined) return reason;
    }
  }
  if (IN_ANY_REPOSITORY_PATTERN.test(path) || REPOSITORY_PATTERN.test(path)) return 'runs commands';
  return ofWhatItHolds(path, names, homes);
}

function ofWhatItHolds(path: string, names: readonly string[], homes: Homes): string | undefined {
  if (path === '/') return 'everything';
  if (path === '/home' || names.includes('~')) return HOME_REASON;
  if (homes.some((home) => home.toString('latin1').startsWith(`${path}/`))) return `holds ${HOME_REASON}`;
  for (const [place, reason] of PLACES) {
    if (names.some((name) => place.startsWith(`${name}/`))) return `holds: ${reason}`;
  }
  return undefined;
}

function ofSocket(path: string): string | undefined {
  const known = SOCKETS.find(([pattern]) => pattern.test(path));
  if (known) return known[1];
  return DAEMONS_PATTERN.test(path) && !HARMLESS_DAEMONS_PATTERN.test(path) ? 'a system daemon' : undefined;
}

function ofAddress(address: AddressBytes): string | undefined {
  const isService = METADATA_SERVICES.some((service) => Buffer.compare(service, address) === 0);
  return isService ? 'cloud credentials' : undefined;
}

/** The path, and what it is called with `~` for each home that it lies in: of this user, or of any other. */
function namesOf(path: string, homes: Homes): string[] {
  const names = [path];
  for (const bytes of homes) {
    const home = bytes.toString('latin1');
    if (path === home || path.startsWith(`${home}/`)) names.push(`~${path.slice(home.length)}`);
  }
  const usual = path.replace(/^(?:\/root|\/home\/[^/]+)(?=\/|$)/, '~');
  return usual === path ? names : [...names, usual];
}
