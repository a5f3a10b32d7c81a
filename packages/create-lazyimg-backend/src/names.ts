/** What things are called in a new package. */
export interface Names {
  /** npm's name of the package. */
  readonly package: string;
  /** The folder: the name without its scope. */
  readonly folder: string;
  /** The format, as the beginning of identifiers (`myScan`) and as a word of its own (`MyScan`). */
  readonly camel: string;
  readonly pascal: string;
  /** The format in small letters, which is its extension too. */
  readonly lower: string;
}

/** What npm allows for a new package: lower case, no leading dot or underscore, optionally a scope. */
const PACKAGE = /^(?:@[a-z0-9-][a-z0-9._-]*\/)?[a-z0-9-][a-z0-9._-]*$/;

/**
 * The names in a package for the format that `name` ends in: `lazyimg-backend-my-scan` and `@me/my-scan` are both about
 * "MyScan".
 *
 * @throws Error for what npm would not publish, or what has no letter to begin an identifier with
 */
export function namesFor(name: string): Names {
  const folder = name.replace(/^@[^/]*\//, "");
  const format = folder.replace(/^(lazyimg-)?(backend-)?(?=.)/, "");
  const words = format.split(/[^a-z0-9]+/).filter((word) => word !== "");
  const pascal = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  if (!PACKAGE.test(name) || name.length > 214 || !/^[A-Z]/.test(pascal)) {
    throw new Error(
      `${JSON.stringify(name)} is no name for a package; use small letters, digits and hyphens that begin with a letter, such as lazyimg-backend-scan or @you/scan.`,
    );
  }
  return {
    ...{ package: name, folder, pascal },
    camel: pascal[0]!.toLowerCase() + pascal.slice(1),
    lower: pascal.toLowerCase(),
  };
}
