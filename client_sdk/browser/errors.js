/** Errors of the formats; `code` is stable, the message is for people. */
export class FormatError extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} [code] stable code
   */
  constructor(message, code = "format") {
    super(message);
    this.code = code;
  }
}

/** The file has no readable members; `code` is the finding's reason. */
export class ArchiveError extends FormatError {}

/** A trust file, policy or kept checkpoint that cannot be used. */
export class TrustError extends FormatError {}

/**
 * Result of `read`, or undefined when it throws a FormatError.
 * @template T
 * @param {() => T} read
 * @returns {T | undefined}
 */
export function attempt(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** This browser cannot do a check; its verdict is then at best INCOMPLETE. */
export class UnableError extends Error {}
