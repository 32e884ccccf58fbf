// What `import koffi from 'koffi'` comes to in the bundle: the binary itself, without the search for it among those of all
// platforms, which takes longer than to load it. Not where it usually is, another version, or another libc: koffi looks for itself.
const { existsSync } = require('node:fs');

const BINARY = '@koromix/koffi-linux-x64/linux_x64/koffi.node';
/** From dist/: in this package, or beside it where it is installed. What lies beside a checkout may be anybody's. */
const PLACES = ['/../node_modules/', ...(/\/node_modules\/[^/]+\/dist$/.test(__dirname) ? ['/../../'] : [])];

let native;
try {
  const path = PLACES.map((place) => __dirname + place + BINARY).find(existsSync);
  const loaded = { exports: {} };
  if (path !== undefined) process.dlopen(loaded, path);
  native = loaded.exports;
} catch {
  native = undefined;
}
module.exports = native?.version === KOFFI_VERSION ? native : require('koffi');
