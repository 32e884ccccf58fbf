/** The parts of the manual page that are not about one option. */

export const INTRODUCTION = [
  'secfilt runs a command, and whatever the command starts, under a policy: which files may be read and changed, and which network destinations may be reached. Without an option that restricts something, the command may change and reach what it could without secfilt, apart from the facilities named under LIMITS. It needs no privileges, and the command runs as the same user.',
  'Options end at the first word that is not one, or at --. What follows belongs to the command, untouched. When the command fails after something was refused, a summary on standard error says what was refused and which option would allow it; when it succeeds all the same, one line says how many operations were refused.',
];

export const PLACES = [
  'Where the options about reading, changing and executing say PATH, they take places: paths, patterns and sets. Each stands for what it names and all below it. The rule nearest to a file decides, and at the same place what denies wins; order means nothing. So --write-allow=. --write-deny=.git --write-allow=.git/objects allows changes here, but not below .git, but below .git/objects. What no rule speaks of may be read and executed, and changed unless --read-only is given or implied.',
  'In a pattern * stands for any characters of a name, also a dot at its start, ? for one byte, [a-z] for one of a set and [!a-z] for one of all others; none of them stands for a slash. ** alone between slashes stands for any number of directories, or none. Patterns are matched when a file is accessed, so files that come into being later are covered. A pattern starts where it was written, like a path: *.key means the files of this directory, **/*.key those below it too.',
  'A backslash takes the meaning from a sign that has one: *, ?, [, ], $, ~, @, comma, #, blank and itself. Before anything else it is a backslash. A word that could be a pattern and is the name of a file that exists is an error that says how to write either: app/[id]/page.tsx is app/\\[id\\]/page.tsx.',
  '~ at the start is the home directory, $NAME and ${NAME} are variables of the environment, on the command line too, where a shell has not put them in already; a variable that is not set is an error. A file whose name begins with ~ is written ./~. A comma that belongs to a place is written \\,.',
  '@NAME is a set of places. @secrets are keys, tokens, password stores and the like, @startup what other programs run later, @system what programs need to run at all. A config file defines others by set.NAME=PATH,PATH. A place that does not exist yet is denied as well, and in a set it may be missing.',
];

export const FILES = [
  'A config file holds one name=value a line, with the long names of the options, without the dashes. A # at the start of a line or after a blank starts a comment; \\# is a # that does not. An option that takes a list may be repeated.',
  'In values that are paths or places, ~ at the start is the home directory, and $NAME and ${NAME} are variables of the environment; a variable that is not set is an error. Relative paths start at the directory of the file that names them. include=FILE reads another file at that place. set.NAME=PATH,PATH defines a set of places, which any option then names as @NAME; said again, it adds to it. A set may name others, but none that leads back to it, and those that come with secfilt are not defined anew.',
  'A file whose name ends in .json, or that begins with {, is JSON: an object whose keys say what options say, in groups: { "write": { "allow": ["."], "ownTmp": true }, "network": { "ports": [443], "resolvers": true } }. Its schema, share/policy.schema.json in the package, lists them all. An empty list allows nothing; a key that stands twice, or is unknown, is an error. "include" is a list of files, which come first; "sets" defines sets: { "mine": ["~/work/private"] }.',
  'No config file is read unless --config names it.',
];

export const EXIT_CODES = [
  ['125', 'secfilt itself failed, was called wrongly, or cannot put the policy in force here.'],
  ['126', 'The command was found and cannot be executed.'],
  ['127', 'The command was not found.'],
  [
    'otherwise',
    'The exit status of the command. Where a signal ended it, secfilt ends by the same signal, which a shell shows as 128 and the number of the signal.',
  ],
] as const;

export const EXAMPLES = [
  ['Run the tests of a project without letting them change anything:', 'secfilt --read-only make test'],
  [
    'Build, writing to this directory only, without network:',
    'secfilt --write-allow=. --no-outbound-network npm run build',
  ],
  [
    'Reach one network and the name servers, nothing else:',
    'secfilt --allowed-netmasks=192.168.1.0/24 --allow-resolv ssh nas',
  ],
  ['Keep the rules in a file:', 'secfilt --config=agent.conf my-agent'],
] as const;

export const LIMITS = [
  'Reading is restricted where --read-deny says so, and then opening files alone, not looking at their names, sizes and times. bind(2) and listen(2) on addresses of the network are restricted by --allowed-listen alone.',
  'Under every policy namespaces, mounts, io_uring, BPF, user-space page faults, key rings and tracing of processes outside are refused. A 32-bit program is ended by its first system call. Descriptors other than standard input, output and error are closed.',
];
