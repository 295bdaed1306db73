/** What can go wrong with a Jinja template. Callers tell the kinds apart; none of the messages quotes a value. */

/** The source is no template. */
export class TemplateSyntaxError extends Error {
  constructor(message: string, line: number) {
    super(`${message} (line ${line})`);
  }
}

/** Rendering failed as it would in Python: a wrong type, an unknown filter, an attribute of what is undefined. */
export class TemplateRuntimeError extends Error {}

/** The template's own words against what it was given, said with raise_exception(). */
export class TemplateRefusal extends Error {}

/** Python could go on, this interpreter cannot: better no text than another one. */
export class UnsupportedError extends Error {}

/** The template asked for more steps, text or memory than one may have. */
export class TemplateLimitError extends Error {}
