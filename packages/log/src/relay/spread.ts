/**
 * The `index`th of an endless row of numbers in [0, 1) that lie as evenly as can be, wherever the row is cut: 0, 1/2, 1/4, 3/4, 1/8 …
 * (the binary digits of the index, mirrored at the point: van der Corput's sequence). Of `2 ** n` in a row, one lies in every
 * `2 ** n`th part.
 */
export function spread(index: number): number {
  let mirrored = 0
  for (let rest = index, place = 1 / 2; rest > 0; rest = Math.floor(rest / 2), place /= 2) mirrored += (rest % 2) * place
  return mirrored
}
