/**
 * What went wrong, as a stable code. Messages may change between releases; codes do not.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_ABORTED_BY_SOURCE` | a source stopped without the caller asking for it |
 * | `ERR_CHANGED` | the file changed between two reads |
 * | `ERR_CHECKSUM` | decompressed data do not have the checksum or length that the file states |
 * | `ERR_CLOSED` | the image or source was closed before |
 * | `ERR_CORRUPT` | compressed data or metadata that contradict themselves |
 * | `ERR_EXISTS` | the destination exists and was not to be replaced |
 * | `ERR_HEADER` | a header field has a value that no reader can use |
 * | `ERR_HTTP` | a server answered with an error or against the protocol |
 * | `ERR_INDEX` | an index that is malformed or out of bounds |
 * | `ERR_INVALID_ARGUMENT` | an argument has the wrong type, shape or value |
 * | `ERR_IO` | the operating system refused to read or write |
 * | `ERR_LIMIT` | more bytes would be needed than the caller's bound allows |
 * | `ERR_NOT_FOUND` | no such file, key or URL |
 * | `ERR_NO_BACKEND` | no registered backend opens this source |
 * | `ERR_NO_WRITER` | no registered writer saves to this name |
 * | `ERR_PAIR` | one half of a pair of files is missing |
 * | `ERR_TRUNCATED` | a file ends before the data that its header promises |
 * | `ERR_UNSUPPORTED` | valid, but not something this package reads |
 * | `ERR_UNSUPPORTED_DTYPE` | a data type that is not read or cannot be converted |
 */
export type ErrorCode =
  | "ERR_ABORTED_BY_SOURCE"
  | "ERR_CHANGED"
  | "ERR_CHECKSUM"
  | "ERR_CLOSED"
  | "ERR_CORRUPT"
  | "ERR_EXISTS"
  | "ERR_HEADER"
  | "ERR_HTTP"
  | "ERR_INDEX"
  | "ERR_INVALID_ARGUMENT"
  | "ERR_IO"
  | "ERR_LIMIT"
  | "ERR_NOT_FOUND"
  | "ERR_NO_BACKEND"
  | "ERR_NO_WRITER"
  | "ERR_PAIR"
  | "ERR_TRUNCATED"
  | "ERR_UNSUPPORTED"
  | "ERR_UNSUPPORTED_DTYPE"
  | (string & {});

/** Every error that lazyimg throws on purpose, aborts aside (those reject with `signal.reason` itself). */
export class LazyImageError extends Error {
  override readonly name = "LazyImageError";
  /** Stable identifier of what went wrong; plugins may use codes of their own. */
  readonly code: ErrorCode;

  /**
   * @param code stable identifier
   * @param message what was found, what was expected, and what to do
   * @param options `cause`: the error underneath, if any
   */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a `LazyImageError` (of any copy of core), and of this `code` when one is given. */
export function isLazyImageError(error: unknown, code?: ErrorCode): error is LazyImageError {
  const { name, code: found } = (error ?? {}) as Partial<LazyImageError>;
  return (
    error instanceof Error &&
    name === "LazyImageError" &&
    typeof found === "string" &&
    found === (code ?? found)
  );
}

/** The error for an argument that is not what it should be. */
export function invalid(message: string): LazyImageError {
  return new LazyImageError("ERR_INVALID_ARGUMENT", message);
}
