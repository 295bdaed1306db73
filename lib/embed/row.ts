/** The first `dimensions` values of a row, of the length 1 where they are to be normalised. A row of zeros stays one. */
export function shapeRow(values: Float32Array, dimensions: number, normalize: boolean): Float32Array {
  const row = values.length === dimensions ? values : values.slice(0, dimensions);
  if (!normalize) return row;
  let sum = 0;
  for (const value of row) sum += value * value;
  if (sum === 0) return row;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < row.length; i++) row[i]! *= scale;
  return row;
}
