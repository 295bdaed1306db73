// Sequences over one pool of pages, beside a naive account of what every cell holds: what the suites of page tables and
// of the prefix tree check after every step.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kv/cell_key.h"
#include "kv/page_pool.h"
#include "kv/page_table.h"

namespace medinfer::testing {

struct PagedSequence {
  PageTable table;
  std::vector<CellKey> keys;  // what its logical cells hold
  std::string salt = {};
};

// The methods record failures of GoogleTest; a caller stops at the first step that has any.
class PagedWorld {
 public:
  PagedWorld(std::uint32_t page_count, std::uint32_t page_size, std::uint32_t seed);

  // A number from low to high.
  std::uint32_t Pick(std::uint32_t low, std::uint32_t high);
  // REQUIRES: there are sequences.
  PagedSequence& PickSequence() { return sequences[Pick(0, static_cast<std::uint32_t>(sequences.size()) - 1)]; }
  void Erase(PagedSequence& sequence);

  // Appends to the table as a forward pass would write, and checks all that Append promises: nothing changes where
  // pages are short, only cells are written that nobody sees, `cached` pages count as seen.
  bool Append(PagedSequence& sequence, std::span<const CellKey> keys, const std::set<PageId>& cached = {});
  void Truncate(PagedSequence& sequence, std::uint32_t n);

  // Every invariant of pool and tables, given the pages that somebody besides the tables holds.
  void Check(const std::set<PageId>& cached = {});

  std::set<PageId> HeldPages() const;
  CellKey written(std::uint32_t cell) const { return written_[cell]; }

  PagePool pool;
  std::vector<PagedSequence> sequences;

 private:
  std::vector<bool> VisibleCells(const std::set<PageId>& cached) const;
  void CheckPagesNeeded(const PagedSequence& sequence, std::uint32_t n, const std::vector<bool>& visible) const;
  void CheckTable(const PagedSequence& sequence) const;

  std::mt19937 random_;
  std::vector<CellKey> written_;  // by cell: the last key written there
  std::uint32_t peak_used_ = 0;
};

}  // namespace medinfer::testing
