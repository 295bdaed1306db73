// Who holds how much of the KV pool. The tensors themselves belong to llama.cpp, which keeps one pool of cells that all
// sequences share ("unified"): a cell holds one token, any sequence may use any cell. This is the account that the
// engine plans with, so that a forward pass never finds the pool full.
//
// Invariants:
//   - used() is the sum of what all held sequences reserved, and never exceeds capacity();
//   - a sequence id is held by at most one request at a time.
// Not thread-safe: belongs to the engine thread. Knows no llama.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace medinfer {

using SequenceId = std::int32_t;

class CellPool {
 public:
  CellPool(std::uint32_t capacity, std::uint32_t max_sequences);

  // The lowest free sequence id with `cells` reserved for it; none where ids or cells are short.
  std::optional<SequenceId> Acquire(std::uint32_t cells);

  // Reserves more cells. False, and no change, where the pool is short. REQUIRES: `id` is held.
  bool Grow(SequenceId id, std::uint32_t cells);

  // Gives the id and all its cells back. REQUIRES: `id` is held.
  void Release(SequenceId id);

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t used() const { return used_; }
  std::uint32_t free() const { return capacity_ - used_; }
  bool has_free_sequence() const { return held_count_ < cells_of_.size(); }

 private:
  std::uint32_t capacity_;
  std::uint32_t used_ = 0;
  std::size_t held_count_ = 0;
  std::vector<std::optional<std::uint32_t>> cells_of_;  // by sequence id; empty: not held
};

}  // namespace medinfer
