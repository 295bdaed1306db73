#include "kv/cell_pool.h"

namespace medinfer {

CellPool::CellPool(std::uint32_t capacity, std::uint32_t max_sequences)
    : capacity_(capacity), cells_of_(max_sequences) {}

std::optional<SequenceId> CellPool::Acquire(std::uint32_t cells) {
  if (!has_free_sequence() || cells > free()) return std::nullopt;
  SequenceId id = 0;
  while (cells_of_[static_cast<std::size_t>(id)]) ++id;
  cells_of_[static_cast<std::size_t>(id)] = cells;
  ++held_count_;
  used_ += cells;
  return id;
}

bool CellPool::Grow(SequenceId id, std::uint32_t cells) {
  if (cells > free()) return false;
  *cells_of_[static_cast<std::size_t>(id)] += cells;
  used_ += cells;
  return true;
}

void CellPool::Release(SequenceId id) {
  std::optional<std::uint32_t>& cells = cells_of_[static_cast<std::size_t>(id)];
  used_ -= *cells;
  cells.reset();
  --held_count_;
}

}  // namespace medinfer
