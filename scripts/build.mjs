// Bundles the command into one CommonJS file: Node starts it faster than a tree of modules.
import { chmodSync } from 'node:fs';
import { build } from 'esbuild';

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/secfilt.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  external: ['koffi', '@koromix/*'],
  banner: { js: '#!/usr/bin/env node' },
  define: { 'import.meta.url': 'undefined' },
  logLevel: 'warning',
});
chmodSync('dist/secfilt.cjs', 0o755);
