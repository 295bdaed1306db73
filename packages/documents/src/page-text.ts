/** A rectangle on an upright page, in points of 1/72 inch from its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A word of a page's text layer. */
export interface Word {
  readonly text: string;
  readonly box: Box;
}

/** The text that a page itself holds; nothing is read from its picture. */
export interface PageText {
  /** In the order of the file, lines ended by `\n`. */
  readonly text: string;
  readonly words: readonly Word[];
}
