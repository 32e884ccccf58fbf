/** What a program may do, as a plain object. The same keys stand in a config file in JSON (share/policy.schema.json). */

/**
 * A restriction that nothing mentions is not there, as on the command line. Each key says what its option says (secfilt(1)).
 * A list that is there restricts, and an empty one allows nothing.
 *
 * A relative path starts at `cwd`, and `~` at its start is the home directory. Places are paths, patterns (`**`, `*`, `?` and `[…]`, a
 * backslash takes their meaning away) and sets (`'@secrets'`); a URL is always a path.
 */
export interface Policy {
  /** Refuse every change to the file system: `--read-only`. */
  readonly readOnly?: boolean | undefined;
  /** What may be opened for reading: everything but what is denied, where the rule nearest to a file decides. */
  readonly read?:
    | {
        /** Exceptions within what is denied: `--read-allow`. */
        readonly allow?: readonly (string | URL)[] | undefined;
        /** Places that are not read, nor what is below: `--read-deny`. */
        readonly deny?: readonly (string | URL)[] | undefined;
      }
    | undefined;
  /** What may be executed, likewise; of paths alone. */
  readonly exec?:
    | {
        /** `--exec-allow`. */
        readonly allow?: readonly (string | URL)[] | undefined;
        /** `--exec-deny`. */
        readonly deny?: readonly (string | URL)[] | undefined;
      }
    | undefined;
  /** Sets of places by their names, which others name as `@name`. */
  readonly sets?: Readonly<Record<string, readonly (string | URL)[]>> | undefined;
  /** Read-only, but for what this names; with `deny` alone: everything may be changed but that. */
  readonly write?:
    | {
        /** Places where changes are allowed, and all below: `--write-allow`. */
        readonly allow?: readonly (string | URL)[] | undefined;
        /** Places where no change is allowed, nor below: `--write-deny`. */
        readonly deny?: readonly (string | URL)[] | undefined;
        /** Directories in which what the command makes is its own to change: `--write-own`. */
        readonly own?: readonly (string | URL)[] | undefined;
        /** `own` of /tmp and /var/tmp: `--own-tmp`. */
        readonly ownTmp?: boolean | undefined;
      }
    | undefined;
  /**
   * `'none'`: no outbound connection or datagram, `--no-outbound-network`. `'mainstream'`: any, by IPv4, IPv6, Unix and netlink
   * sockets only, `--mainstream-network-families`. An object: only to what is listed.
   */
  readonly network?:
    | 'none'
    | 'mainstream'
    | {
        /** Networks and addresses, `'192.168.1.0/24'`, IPv4 or IPv6, `'10.0.0.5:5432'` with ports: `--allowed-netmasks`. */
        readonly netmasks?: readonly string[] | undefined;
        /** Ports, `443`, and ranges, `'8000-8010'`: `--allowed-ports`. */
        readonly ports?: readonly (number | string)[] | undefined;
        /** Hosts by name, `'db.internal:5432'`, `'*.example.org'`, or by address: `--allowed-hosts`. */
        readonly hosts?: readonly string[] | undefined;
        /** But not these hosts: `--denied-hosts`. What is denied alone leaves all else allowed. */
        readonly deniedHosts?: readonly string[] | undefined;
        /** Nor these networks, `'@private'`: `--denied-netmasks`. */
        readonly deniedNetmasks?: readonly string[] | undefined;
        /** Nor these ports: `--denied-ports`. */
        readonly deniedPorts?: readonly (number | string)[] | undefined;
        /** In addition the name servers of /etc/resolv.conf: `--allow-resolv`. */
        readonly resolvers?: boolean | undefined;
      }
    | undefined;
  /** Ports, `8080`, and addresses with ports, where connections may be taken; `[]`: on the loopback alone. `--allowed-listen`. */
  readonly listen?: readonly (number | string)[] | undefined;
  /** Unix sockets outside that may be connected to, `'@name'` an abstract one: `--allow-unix`. */
  readonly unixSockets?: readonly (string | URL)[] | undefined;
  /** How calls are referred to a supervisor: `--engine`. */
  readonly engine?: 'auto' | 'notify' | 'trace' | 'kernel' | undefined;
}
