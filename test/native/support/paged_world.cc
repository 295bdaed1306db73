#include "support/paged_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace medinfer::testing {

PagedWorld::PagedWorld(std::uint32_t page_count, std::uint32_t page_size, std::uint32_t seed)
    : pool(page_count, page_size), random_(seed), written_(std::size_t{page_count} * page_size) {}

std::uint32_t PagedWorld::Pick(std::uint32_t low, std::uint32_t high) {
  return std::uniform_int_distribution<std::uint32_t>(low, high)(random_);
}

void PagedWorld::Erase(PagedSequence& sequence) {
  std::swap(sequence, sequences.back());
  sequences.pop_back();
}

bool PagedWorld::Append(PagedSequence& sequence, std::span<const CellKey> keys, const std::set<PageId>& cached) {
  PageTable& table = sequence.table;
  const auto n = static_cast<std::uint32_t>(keys.size());
  const std::vector<PageTable::Run> runs_before(table.runs().begin(), table.runs().end());
  const std::uint32_t used_before = pool.used();
  const std::uint32_t free_before = pool.free();
  std::vector<bool> visible = VisibleCells(cached);
  CheckPagesNeeded(sequence, n, visible);

  const std::uint32_t needed = table.PagesNeeded(n);
  std::vector<std::uint32_t> cells = {7};  // what was there stays
  const bool appended = table.Append(n, cells);
  EXPECT_EQ(appended, needed <= free_before);
  EXPECT_EQ(cells[0], 7U);
  if (!appended) {
    EXPECT_EQ(cells.size(), 1U);
    EXPECT_EQ(pool.used(), used_before);
    EXPECT_TRUE(std::ranges::equal(table.runs(), runs_before));
    return false;
  }
  EXPECT_EQ(pool.used(), used_before + needed);
  EXPECT_EQ(cells.size(), n + 1);
  for (std::size_t i = 0; i < keys.size() && i + 1 < cells.size(); ++i) {
    const std::uint32_t cell = cells[i + 1];
    if (cell >= written_.size()) {
      ADD_FAILURE() << "there is no cell " << cell;
      return false;
    }
    EXPECT_FALSE(visible[cell]) << "somebody sees cell " << cell;
    visible[cell] = true;
    written_[cell] = keys[i];
  }
  sequence.keys.insert(sequence.keys.end(), keys.begin(), keys.end());
  return true;
}

void PagedWorld::Truncate(PagedSequence& sequence, std::uint32_t n) {
  sequence.table.Truncate(n);
  if (n < sequence.keys.size()) sequence.keys.resize(n);
}

// Where the rest of the last page must be used, and where it must not; between the two, either will do.
void PagedWorld::CheckPagesNeeded(const PagedSequence& sequence, std::uint32_t n,
                                  const std::vector<bool>& visible) const {
  const PageTable& table = sequence.table;
  const std::uint32_t page_size = pool.page_size();
  const auto pages_of = [&](std::uint32_t cells) { return (cells + page_size - 1) / page_size; };
  const std::uint32_t needed = table.PagesNeeded(n);
  if (table.empty()) {
    EXPECT_EQ(needed, pages_of(n));
    return;
  }
  const PageTable::Run& last = table.runs().back();
  const std::uint32_t most = pages_of(n);
  const std::uint32_t room = page_size - last.count;
  const std::uint32_t least = n <= room ? 0 : pages_of(n - room);
  bool rest_is_seen = false;
  for (std::uint32_t i = last.count; i < page_size; ++i) rest_is_seen |= visible[last.page * page_size + i];
  if (rest_is_seen) {
    EXPECT_EQ(needed, most);
  } else if (pool.refs(last.page) == 1) {
    EXPECT_EQ(needed, least);
  } else {
    EXPECT_TRUE(needed == most || needed == least);
  }
}

std::vector<bool> PagedWorld::VisibleCells(const std::set<PageId>& cached) const {
  std::vector<bool> visible(written_.size());
  for (const PagedSequence& sequence : sequences) {
    for (const PageTable::Run& run : sequence.table.runs()) {
      for (std::uint32_t i = 0; i < run.count; ++i) visible[run.page * pool.page_size() + i] = true;
    }
  }
  for (const PageId page : cached) {
    for (std::uint32_t i = 0; i < pool.page_size(); ++i) visible[page * pool.page_size() + i] = true;
  }
  return visible;
}

std::set<PageId> PagedWorld::HeldPages() const {
  std::set<PageId> pages;
  for (const PagedSequence& sequence : sequences) {
    for (const PageTable::Run& run : sequence.table.runs()) pages.insert(run.page);
  }
  return pages;
}

void PagedWorld::Check(const std::set<PageId>& cached) {
  std::vector<std::uint32_t> refs(pool.total());
  for (const PagedSequence& sequence : sequences) {
    CheckTable(sequence);
    std::set<PageId> pages;
    for (const PageTable::Run& run : sequence.table.runs()) pages.insert(run.page);
    EXPECT_EQ(pages.size(), sequence.table.runs().size()) << "a table has a page twice";
    for (const PageId page : pages) ++refs[page];
  }
  for (const PageId page : cached) ++refs[page];

  std::uint32_t used = 0;
  std::uint32_t shared = 0;
  std::uint32_t end = 0;
  for (PageId page = 0; page < pool.total(); ++page) {
    EXPECT_EQ(pool.refs(page), refs[page]) << "page " << page;
    EXPECT_LE(pool.filled(page), refs[page] == 0 ? 0 : pool.page_size());
    if (refs[page] > 0) ++used, end = page + 1;
    if (refs[page] > 1) ++shared;
  }
  peak_used_ = std::max(peak_used_, used);
  EXPECT_EQ(pool.used(), used);
  EXPECT_EQ(pool.free(), pool.total() - used);
  EXPECT_EQ(pool.shared(), shared);
  EXPECT_EQ(pool.end(), end);
  EXPECT_EQ(pool.peak_used(), peak_used_);
}

void PagedWorld::CheckTable(const PagedSequence& sequence) const {
  const PageTable& table = sequence.table;
  EXPECT_EQ(table.size(), sequence.keys.size());
  EXPECT_EQ(table.empty(), sequence.keys.empty());
  std::uint32_t next = 0;
  for (const PageTable::Run& run : table.runs()) {
    EXPECT_EQ(run.begin, next);
    EXPECT_GE(run.count, 1U);
    EXPECT_LE(run.count, pool.filled(run.page));
    for (std::uint32_t i = 0; i < run.count; ++i, ++next) {
      const std::uint32_t cell = run.page * pool.page_size() + i;
      EXPECT_EQ(table.Cell(next), cell);
      EXPECT_TRUE(next < sequence.keys.size() && written_[cell] == sequence.keys[next]) << "logical cell " << next;
    }
  }
  EXPECT_EQ(next, table.size());
}

}  // namespace medinfer::testing
