/** Inputs as JSON, to be kept and tried again. */

/** @param input `{ main, files }` */
export function toJson(format, { main, files }) {
  const encoded = Object.fromEntries(
    [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
  );
  return { format, main, files: encoded };
}

export function fromJson({ main, files }) {
  return {
    main,
    files: new Map(
      Object.entries(files).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]),
    ),
  };
}
