// A preempted sequence leaves its cells in host memory, where there is room for them, and brings them back when it runs
// again. What is in the prefix cache by then needs no copying, and what is in neither is computed again.
#include <new>
#include <optional>
#include <utility>

#include "engine/engine_loop.h"

namespace medinfer {

// REQUIRES: the sequence holds its slot.
void EngineLoop::SwapOut(const Sequence& sequence) {
  if (!parts_.decoder.paged()) return;
  SwapSpace::Cells cells{sequence.written(), {}};
  if (cells.count == 0 || !swap_.HasRoom(parts_.decoder.BytesPerCell() * cells.count)) return;
  try {
    cells.bytes = parts_.decoder.ReadCells(parts_.pool.table(sequence.slot), cells.count);
  } catch (const std::bad_alloc&) {
    return;  // computing them again takes no memory
  }
  swap_.Keep(sequence.id, std::move(cells));
}

// How many cells of the sequence are written, of which it `found` so many. REQUIRES: it holds its slot, with cells for
// the whole prompt.
std::uint32_t EngineLoop::SwapIn(const Sequence& sequence, std::uint32_t found) {
  const std::optional<SwapSpace::Cells> cells = swap_.Take(sequence.id);
  if (!cells) return found;
  const std::uint32_t usable = sequence.UsableMatch(cells->count, 1);
  if (usable <= found) return found;
  parts_.decoder.WriteCells(parts_.pool.table(sequence.slot), found, usable, cells->count, cells->bytes);
  totals_.kv.tokens_swapped += usable - found;
  return usable;
}

}  // namespace medinfer
