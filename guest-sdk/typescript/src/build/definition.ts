/**
 * Where in an author's file a key of the definition stands, so that what is wrong with
 * one is told with its line.
 */

import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { Place } from './messages.ts';

/** The functions whose argument is a definition. */
const MAKERS = /^(createSync|createAction|createOnEvent|createFunction|sync)$/;

/**
 * The place of what `message` starts with, a key in backticks such as `models.User`: the
 * key itself, else the nearest one around it, else the call that makes the definition.
 */
export function placeOfKey(file: string, message: string): Place {
  const keys = message.match(/^`([\w.[\]]+)`/)?.[1]?.split(/[.[]/) ?? [];
  const source = ts.createSourceFile(
    file,
    readFileSync(file, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const call = definitionCall(source);
  const argument = call?.arguments[0];
  let found: ts.Node | undefined = call;
  let within =
    argument !== undefined && ts.isObjectLiteralExpression(argument) ? argument : undefined;
  for (const key of keys) {
    const property = within?.properties.find(
      (each) => each.name !== undefined && each.name.getText(source).replace(/['"]/g, '') === key,
    );
    if (property === undefined) {
      break;
    }
    found = property.name;
    within =
      ts.isPropertyAssignment(property) && ts.isObjectLiteralExpression(property.initializer)
        ? property.initializer
        : undefined;
  }
  if (found === undefined) {
    return { file };
  }
  const { line, character } = source.getLineAndCharacterOfPosition(found.getStart(source));
  return { file, line: line + 1, column: character + 1 };
}

/** The first call in the file of a function that makes a definition. */
function definitionCall(node: ts.Node): ts.CallExpression | undefined {
  if (
    ts.isCallExpression(node) &&
    ts.isIdentifier(node.expression) &&
    MAKERS.test(node.expression.text)
  ) {
    return node;
  }
  return ts.forEachChild(node, definitionCall);
}
