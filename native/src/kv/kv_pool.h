// The KV pool as the engine plans with it: pages, the tables of the sequences that run, and the cache of prefixes that
// earlier sequences left. The tensors belong to llama.cpp; where a cell of a sequence lies is decided here.
//
// Invariants:
//   - a sequence id is held by at most one request at a time, and its table holds what was reserved for it;
//   - cached pages are free pages that still mean something: a sequence that needs room takes the least recently used.
// Not thread-safe: belongs to the engine thread. Knows no llama.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/cell_key.h"
#include "kv/page_pool.h"
#include "kv/page_table.h"
#include "kv/prefix_tree.h"

namespace medinfer {

using SequenceId = std::int32_t;

class KvPool {
 public:
  struct Options {
    std::uint32_t cells = 0;  // rounded up to whole pages
    std::uint32_t page_size = 32;
    std::uint32_t max_sequences = 1;
    bool prefix_cache = true;
  };

  explicit KvPool(const Options& options);

  // What the cache has of these keys, whole pages from the start; empty where it is off. The pages stay while the table
  // lives.
  PageTable FindPrefix(std::span<const CellKey> keys, std::string_view salt);

  // The lowest free sequence id, with `prefix` and `more` cells behind it. None, with `prefix` as it was, where ids are
  // short, or where fewer than `headroom` pages would be left.
  std::optional<SequenceId> Acquire(PageTable& prefix, std::uint32_t more, std::uint32_t headroom);

  // Reserves more cells. False, and no change, where the pool is short. REQUIRES: `id` is held.
  bool Grow(SequenceId id, std::uint32_t cells);

  // The same; cached pages stay what they are.
  bool GrowIfFree(SequenceId id, std::uint32_t cells);
  // Gives back the cells from `cells` on. REQUIRES: `id` is held, and has as many.
  void Shrink(SequenceId id, std::uint32_t cells);

  // A second sequence of the same cells. Metadata alone: no page is taken, and none is copied. None where ids are
  // short. REQUIRES: `id` is held.
  std::optional<SequenceId> Fork(SequenceId id);

  // Makes the whole pages of a sequence findable, as far as `keys` go: they must be written. REQUIRES: `id` is held.
  void Commit(SequenceId id, std::span<const CellKey> keys, std::string_view salt);

  void Commit(const PageTable& table, std::span<const CellKey> keys, std::string_view salt);

  // See PrefixTree.
  void SetEvictor(PrefixTree::Evictor evictor) { cache_.SetEvictor(std::move(evictor)); }

  // Nothing of these salts is found any more. Tables keep what they have.
  void Forget(const std::function<bool(std::string_view salt)>& drops) { cache_.Forget(drops); }

  // Gives the id back, and its cells to the caller. REQUIRES: `id` is held.
  PageTable Detach(SequenceId id);

  // Appends cells to a table that belongs to no sequence. False, and no change, where the pool is short.
  bool Extend(PageTable& table, std::uint32_t cells);

  // Gives the id and its cells back. REQUIRES: `id` is held.
  void Release(SequenceId id);

  // REQUIRES: `id` is held.
  const PageTable& table(SequenceId id) const { return *tables_[static_cast<std::size_t>(id)]; }

  const PagePool& pages() const { return pages_; }
  const PrefixTree& cache() const { return cache_; }
  std::uint32_t page_size() const { return pages_.page_size(); }
  std::uint32_t max_sequences() const { return static_cast<std::uint32_t>(tables_.size()); }
  std::uint32_t cells() const { return pages_.total() * pages_.page_size(); }
  // Whether a sequence id is free.
  bool has_free_id() const;
  // Pages that could be had.
  std::uint32_t available() const { return pages_.free() + cache_.evictable(); }
  // Nothing is found or kept from here on. REQUIRES: no id is held.
  void DisableCache() { prefix_cache_ = false; }
  // Whether what sequences have computed is found by others.
  bool caches() const { return prefix_cache_; }
  // Share of the cells in the pages of sequences that none of them holds: the rest of last pages.
  double Fragmentation() const;
  // Cells that sequences hold, shared ones once for each.
  std::uint64_t cells_held() const { return cells_held_; }

 private:
  bool MakeRoom(std::uint32_t pages);
  // Gives a table the lowest free id. REQUIRES: has_free_id().
  SequenceId Hold(PageTable table);

  bool prefix_cache_;
  PagePool pages_;
  PrefixTree cache_;
  std::vector<std::optional<PageTable>> tables_;  // by sequence id; empty: not held
  std::vector<std::uint32_t> scratch_;
  std::uint64_t cells_held_ = 0;
  mutable std::vector<std::uint32_t> seen_;  // by page; of Fragmentation alone, which is asked after every pass: zeros
};

}  // namespace medinfer
