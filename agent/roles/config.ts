import { type ConfigFile, effective, problemsIn, rolesIn } from '../config/load.ts';
import { formatUci } from '../config/uci.ts';
import { readConfigText } from '../io/uci.ts';
import { finished, type Out, type Role } from './role.ts';

/** `hearth config check FILE` names all that is wrong (exit 2); `show` prints what the file comes to, presets included. */
export const config: Role = async ({ words: [verb, name = ''] }, out) => {
  const read = await readConfigText(name);
  if ('problem' in read) {
    out.line(read.problem);
    return finished(2);
  }
  const file = { name, text: read.text };
  const problems = problemsIn(file);
  for (const problem of problems) out.line(problem);
  if (problems.length > 0) return finished(2);
  if (verb === 'show') show(file, out);
  else out.line(`${name}: good for ${rolesIn(file).join(', ')}`);
  return finished(0);
};

function show(file: ConfigFile, out: Out): void {
  out.line(formatUci(rolesIn(file).map((role) => effective(role, file))).trimEnd());
}
