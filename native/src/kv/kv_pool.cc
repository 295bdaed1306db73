#include "kv/kv_pool.h"

#include <algorithm>
#include <utility>

namespace medinfer {

KvPool::KvPool(const Options& options)
    : prefix_cache_(options.prefix_cache),
      pages_((options.cells + options.page_size - 1) / options.page_size, options.page_size),
      cache_(pages_),
      tables_(options.max_sequences),
      seen_(pages_.total()) {}

PageTable KvPool::FindPrefix(std::span<const CellKey> keys, std::string_view salt) {
  return prefix_cache_ ? cache_.Find(keys, salt) : PageTable(pages_);
}

bool KvPool::MakeRoom(std::uint32_t pages) {
  if (pages_.free() < pages) cache_.EvictLru(pages - pages_.free());
  return pages_.free() >= pages;
}

std::optional<SequenceId> KvPool::Acquire(PageTable& prefix, std::uint32_t more, std::uint32_t headroom) {
  if (!has_free_id() || available() < prefix.PagesNeeded(more) + headroom || !Extend(prefix, more)) return std::nullopt;
  return Hold(std::move(prefix));
}

SequenceId KvPool::Hold(PageTable table) {
  const auto free = std::find(tables_.begin(), tables_.end(), std::nullopt);
  cells_held_ += table.size();
  free->emplace(std::move(table));
  return static_cast<SequenceId>(free - tables_.begin());
}

bool KvPool::Grow(SequenceId id, std::uint32_t cells) {
  if (!Extend(*tables_[static_cast<std::size_t>(id)], cells)) return false;
  cells_held_ += cells;
  return true;
}

bool KvPool::GrowIfFree(SequenceId id, std::uint32_t cells) {
  return table(id).PagesNeeded(cells) <= pages_.free() && Grow(id, cells);
}

void KvPool::Shrink(SequenceId id, std::uint32_t cells) {
  PageTable& table = *tables_[static_cast<std::size_t>(id)];
  cells_held_ -= table.size() - cells;
  table.Truncate(cells);
}

std::optional<SequenceId> KvPool::Fork(SequenceId id) {
  if (!has_free_id()) return std::nullopt;
  return Hold(table(id).Fork());
}

void KvPool::Commit(SequenceId id, std::span<const CellKey> keys, std::string_view salt) {
  Commit(table(id), keys, salt);
}

void KvPool::Commit(const PageTable& table, std::span<const CellKey> keys, std::string_view salt) {
  if (prefix_cache_) cache_.Commit(table, keys, salt);
}

bool KvPool::has_free_id() const { return std::find(tables_.begin(), tables_.end(), std::nullopt) != tables_.end(); }

PageTable KvPool::Detach(SequenceId id) {
  std::optional<PageTable>& held = tables_[static_cast<std::size_t>(id)];
  PageTable table = std::move(*held);
  cells_held_ -= table.size();
  held.reset();
  return table;
}

bool KvPool::Extend(PageTable& table, std::uint32_t cells) {
  scratch_.clear();
  return MakeRoom(table.PagesNeeded(cells)) && table.Append(cells, scratch_);
}

void KvPool::Release(SequenceId id) { static_cast<void>(Detach(id)); }

double KvPool::Fragmentation() const {
  // A page's unheld cells are those past the furthest that a table sees of it.
  std::uint64_t pages = 0;
  std::uint64_t held = 0;
  for (const std::optional<PageTable>& table : tables_) {
    if (!table) continue;
    for (const PageTable::Run& run : table->runs()) {
      std::uint32_t& most = seen_[run.page];
      if (most == 0) ++pages;
      if (run.count > most) held += run.count - std::exchange(most, run.count);
    }
  }
  for (const std::optional<PageTable>& table : tables_) {
    if (!table) continue;
    for (const PageTable::Run& run : table->runs()) seen_[run.page] = 0;
  }
  return pages == 0 ? 0 : 1.0 - static_cast<double>(held) / (static_cast<double>(pages) * page_size());
}

}  // namespace medinfer
