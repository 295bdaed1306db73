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

/** What the model was shown. A page of `@medinfer/documents` is one. */
export interface EvidencePage {
  readonly number: number;
  /** The text that the page itself holds; none of a scan. */
  readonly text?: {
    readonly text: string;
    /** In reading order: words that stand together follow one another. */
    readonly words: readonly Word[];
  };
}
