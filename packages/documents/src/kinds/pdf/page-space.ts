import type { Box } from "../../page-text.js";
import { Memory } from "./memory.js";
import type { Pdfium } from "./pdfium.js";

/** A rectangle of a page's own coordinates: points from its lower left corner, before it is turned. */
export interface Rect {
  left: number;
  bottom: number;
  right: number;
  top: number;
}

/** How a page's own coordinates lie on the upright page. */
export class PageSpace {
  /** Clockwise. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly #bounds: Rect;
  /** Points of a unit: ISO 32000-2, 14.11.2 (UserUnit). */
  readonly #unit: number;

  constructor(pdfium: Pdfium, page: number, unit: number) {
    this.rotation = ([0, 90, 180, 270] as const)[pdfium.FPDFPage_GetRotation(page) & 3]!;
    this.#bounds = boundsOf(pdfium, page);
    this.#unit = unit;
  }

  /** Of the upright page, in points. */
  get size(): { width: number; height: number } {
    const { left, bottom, right, top } = this.#bounds;
    const [width, height] = [(right - left) * this.#unit, (top - bottom) * this.#unit];
    return this.rotation % 180 === 0 ? { width, height } : { width: height, height: width };
  }

  /** Where a rectangle is on the upright page. */
  place({ left, bottom, right, top }: Rect): Box {
    const bounds = this.#bounds;
    const fromLeft = left - bounds.left;
    const fromRight = bounds.right - right;
    const fromTop = bounds.top - top;
    const fromBottom = bottom - bounds.bottom;
    const [width, height] = [right - left, top - bottom];
    switch (this.rotation) {
      case 0:
        return this.#box(fromLeft, fromTop, width, height);
      case 90:
        return this.#box(fromBottom, fromLeft, height, width);
      case 180:
        return this.#box(fromRight, fromBottom, width, height);
      case 270:
        return this.#box(fromTop, fromRight, height, width);
    }
  }

  #box(x: number, y: number, width: number, height: number): Box {
    return { x: this.#points(x), y: this.#points(y), width: this.#points(width), height: this.#points(height) };
  }

  /** Hundredths of a point are finer than any use of them. */
  #points(units: number): number {
    return Math.round(units * this.#unit * 100) / 100;
  }
}

/** The part of the page that is shown: its crop box within its media box. */
function boundsOf(pdfium: Pdfium, page: number): Rect {
  return Memory.with(pdfium, (memory) => {
    const rect = memory.allocate(16); // FS_RECTF: left, top, right, bottom
    if (!pdfium.FPDF_GetPageBoundingBox(page, rect)) {
      const [width, height] = [pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)];
      const turned = pdfium.FPDFPage_GetRotation(page) % 2 === 1;
      return { left: 0, bottom: 0, right: turned ? height : width, top: turned ? width : height };
    }
    const [left, top, right, bottom] = [0, 4, 8, 12].map((at) => memory.float(rect + at)) as [
      number,
      number,
      number,
      number,
    ];
    return { left, bottom, right, top };
  });
}
