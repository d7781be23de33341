import { systemFacts } from '../../agent/io/system.ts';
import { watchTerrain } from '../../agent/roles/terrain.ts';

/** Writes the terrain of its namespace as a line of JSON whenever it changes, and `facts` for each line it reads. Ends with its input. */
const [root, state = '.'] = process.argv.slice(2);
watchTerrain((terrain) => console.log(JSON.stringify(terrain)), root);
process.stdin.on('data', () => {
  void systemFacts(state).then(({ links }) => console.log(`facts ${links.map(({ name }) => name).join(' ')}`));
});
process.stdin.on('end', () => process.exit(0));
