/**
 * Whether `value` has members of these names and this type. Protocols are recognised so, never by `instanceof`: what
 * follows them may come from another copy of core.
 */
export function hasMembers(value: unknown, type: string, ...names: readonly string[]): boolean {
  const members = value as Readonly<Record<string, unknown>> | null | undefined;
  return names.every((name) => typeof members?.[name] === type);
}

/** The name of what built `value`, also in another realm (an iframe, node:vm): "Int16Array", "Object". */
export function nameOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
