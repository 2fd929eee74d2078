/** `tidegate:sync/log` on Node. */
import { current } from '../current.ts';
import { type Level, trap, wellFormed } from '../imports.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'];

export function emit(level: Level, message: string, attributes: string): void {
  if (!LEVELS.includes(level)) trap('a level', level);
  current().log(level, wellFormed(message), wellFormed(attributes));
}
