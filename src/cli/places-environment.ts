/** The variables by which the words about places are filled in. */
import type { Environment } from './expand-path.ts';

let variables: Environment = process.env;

/** Our own, or those of the program that has started us: never those of a command, which may be anybody's. */
export function placesEnvironment(): Environment {
  return variables;
}

export function setPlacesEnvironment(environment: Environment): void {
  variables = environment;
}
