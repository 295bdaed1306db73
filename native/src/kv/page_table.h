// The cells of one sequence in logical order: runs of cells, each from the start of one page. Logical, not positions:
// M-RoPE repeats those.
//
// A cell is written once, by one table. A fork shares every page, also the last, partly written one; the first of the
// two to append goes on in it, the other takes a page of its own: no cell is ever copied, and none is allocated by
// forking. Hence a run that is not the last may be shorter than a page: what another table wrote there is not ours.
//
// Invariants:
//   - a table has each page at most once, and holds one ref on each; all its pages are of one pool;
//   - runs are not empty and follow each other: begin of the first is 0, of the others the end of the run before;
//   - a run's count is at most filled(page).
// Owns its refs. Move-only: sharing is explicit. Belongs to the thread of its pool, which must outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/page_pool.h"

namespace medinfer {

class PageTable {
 public:
  // The logical cells begin … begin + count are the first count cells of the page.
  struct Run {
    PageId page = 0;
    std::uint32_t begin = 0;
    std::uint32_t count = 0;

    bool operator==(const Run&) const = default;
  };

  explicit PageTable(PagePool& pool) : pool_(&pool) {}
  ~PageTable() { Clear(); }
  PageTable(PageTable&& other) noexcept;
  PageTable& operator=(PageTable&& other) noexcept;
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  // The cells of full pages, which get one holder more. REQUIRES: the pages differ, and are held and filled.
  static PageTable Attach(PagePool& pool, std::span<const PageId> pages);

  // A second table of the same cells. Allocates and copies none.
  PageTable Fork() const;

  // Pages that Append(n) would allocate now. Holds until another table of the last page is forked, changed or gone.
  std::uint32_t PagesNeeded(std::uint32_t n) const;

  // n new logical cells; adds their physical indices to `cells` in order. False, and no change, where pages are short.
  [[nodiscard]] bool Append(std::uint32_t n, std::vector<std::uint32_t>& cells);

  // Drops the cells from n on; nothing where there are none. A page that other tables have too stays filled as it was:
  // one of them may see those cells. In a page of ours alone, appending takes dropped cells again, so that rolling back
  // what was speculated wastes nothing.
  void Truncate(std::uint32_t n);

  void Clear() { Truncate(0); }

  // The physical cell of a logical one. REQUIRES: i < size().
  std::uint32_t Cell(std::uint32_t i) const;

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const Run> runs() const { return runs_; }

 private:
  // Cells that can be appended without a page more.
  std::uint32_t RoomInLastPage() const;

  PagePool* pool_;
  std::vector<Run> runs_;
  std::uint32_t size_ = 0;
};

}  // namespace medinfer
