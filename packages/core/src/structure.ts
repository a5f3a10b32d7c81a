/**
 * Whether `value` has members of these names and this type. Protocols are recognised so, never by `instanceof`: what
 * follows them may come from another copy of core.
 */
export function hasMembers(value: unknown, type: string, ...names: readonly string[]): boolean {
  const members = value as Readonly<Record<string, unknown>> | null | undefined;
  return names.every((name) => typeof members?.[name] === type);
}
