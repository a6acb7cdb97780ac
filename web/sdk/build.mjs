// Bundles the SDK: `node build.mjs OUT [--package]`. The two scripts always; with --package what the npm package has besides.
import {execFileSync} from 'node:child_process';
import {createRequire} from 'node:module';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [out, ...flags] = process.argv.slice(2);
if (!out || flags.some((flag) => flag !== '--package')) {
  console.error('usage: node build.mjs OUT [--package]');
  process.exit(2);
}
const target = resolve(out);
const shared = {absWorkingDir: here, bundle: true, target: 'es2019', charset: 'utf8', legalComments: 'none', logLevel: 'warning'};

await build({...shared, entryPoints: ['src/clarion.ts', 'src/service-worker.ts'], outdir: target, format: 'iife', minify: true});
if (flags.includes('--package')) {
  await build({...shared, entryPoints: ['src/index.ts'], outdir: target, format: 'esm', sourcemap: true});
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const types = ['-p', here, '--declaration', '--emitDeclarationOnly', '--outDir', join(target, 'types')];
  execFileSync(process.execPath, [join(typescript, 'bin', 'tsc'), ...types], {stdio: 'inherit'});
}
