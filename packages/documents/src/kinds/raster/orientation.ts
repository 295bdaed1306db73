/** By how many degrees clockwise a picture with this orientation of EXIF and TIFF (1 to 8) is turned; some are mirrored as well. */
export function rotationOf(orientation: number | undefined): 0 | 90 | 180 | 270 {
  return ([0, 0, 180, 180, 90, 90, 270, 270] as const)[(orientation ?? 1) - 1] ?? 0;
}
