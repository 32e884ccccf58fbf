/**
 * Places that are not to be opened lightly: who may write there, or talk to that socket, soon runs programs outside the
 * sandbox or reads keys. A report marks them and suggests no option for them.
 */
import type { AddressBytes, PathBytes } from '../policy/policy.ts';
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
const METADATA_SERVICES = new Set(['169.254.169.254', '253.0.14.194.0.0.0.0.0.0.0.0.0.0.2.84']);

/** Why something is sensitive, in a word or two; undefined where it is not. */
export function sensitivity(object: ReportedObject, home: string | undefined): string | undefined {
  switch (object.kind) {
    case 'path':
      return ofPath(object.path, home);
    case 'paths':
      return ofPath(object.from, home) ?? ofPath(object.to, home);
    case 'unix-path':
      return ofSocket(object.path.toString('latin1'));
    case 'unix-abstract':
      return ofSocket(`/${object.name.toString('latin1')}`);
    case 'address':
      return ofAddress(object.address);
    case 'process':
    case 'none':
      return undefined;
  }
}

/** True where a directory is a sensitive place, is in one, or holds one: as a whole it is not to be opened lightly. */
export function holdsSensitive(directory: PathBytes, home: string | undefined): boolean {
  const path = withoutHome(directory.toString('latin1'), home);
  if (path === '~' || path === '/' || ofPath(directory, home) !== undefined) return true;
  return [...PLACES.keys()].some((place) => place.startsWith(`${path}/`));
}

function ofPath(bytes: PathBytes, home: string | undefined): string | undefined {
  const path = withoutHome(bytes.toString('latin1'), home);
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const reason = PLACES.get(path.slice(0, end));
    if (reason !== undefined) return reason;
  }
  return IN_ANY_REPOSITORY_PATTERN.test(path) ? 'runs commands' : undefined;
}

function ofSocket(path: string): string | undefined {
  const known = SOCKETS.find(([pattern]) => pattern.test(path));
  if (known) return known[1];
  return DAEMONS_PATTERN.test(path) && !HARMLESS_DAEMONS_PATTERN.test(path) ? 'a system daemon' : undefined;
}

function ofAddress(address: AddressBytes): string | undefined {
  return METADATA_SERVICES.has(address.join('.')) ? 'cloud credentials' : undefined;
}

/** The path with `~` for the home of this or any other user. */
function withoutHome(path: string, home: string | undefined): string {
  if (home !== undefined && home !== '/' && (path === home || path.startsWith(`${home}/`))) {
    return `~${path.slice(home.length)}`;
  }
  return path.replace(/^(?:\/root|\/home\/[^/]+)(?=\/|$)/, '~');
}
