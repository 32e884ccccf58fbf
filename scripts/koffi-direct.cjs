// What `import koffi from 'koffi'` comes to in the bundle: the binary itself, without the search for it among those of all
// platforms, which takes longer than to load it. Another version, or another libc, and koffi looks for itself.
let native;
try {
  native = require('@koromix/koffi-linux-x64/linux_x64/koffi.node');
} catch {
  native = undefined;
}
module.exports = native?.version === KOFFI_VERSION ? native : require('koffi');
