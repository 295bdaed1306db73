// The physical pages of the KV pool: which are free, how many holders each has, how far each is written. A page is
// page_size consecutive cells; cell = page * page_size + offset.
//
// Invariants:
//   - a page is free exactly while refs == 0; free() + used() == total();
//   - refs(page) is the number of page tables that have the page, plus one where the prefix tree has it;
//   - filled(page) is at least what any holder sees of the page, so a cell at or past it is free.
// Misuse is safe to memory: Ref, Unref and SetFilled of a page that is free or does not exist do nothing.
// Not thread-safe: belongs to the engine thread. Must outlive its tables and its tree. Knows no llama.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace medinfer {

using PageId = std::uint32_t;

class PagePool {
 public:
  // Learns when a page's second holder comes, and when there is one left again. Called when the pool has changed
  // already; must not change refs itself.
  class Observer {
   public:
    virtual void OnSharing(PageId page, bool shared) = 0;

   protected:
    ~Observer() = default;
  };

  // REQUIRES: page_size >= 1, and all cells can be counted in 32 bits.
  PagePool(std::uint32_t page_count, std::uint32_t page_size);
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // The lowest free page, so that the range that attention scans stays short. It has one holder, and nothing is
  // written.
  std::optional<PageId> Allocate();

  // One holder more. REQUIRES: the page is held.
  void Ref(PageId page);

  // One holder less; without any the page is free. REQUIRES: the page is held.
  void Unref(PageId page);

  // Cells from the page's start that are written, or were and may still be seen by a holder. Lowering it gives cells up
  // for writing anew: only a sole holder may. REQUIRES: the page is held; n <= page_size().
  void SetFilled(PageId page, std::uint32_t n);

  // At most one; null: none. Must outlive the pool's last change, or be taken away.
  void SetObserver(Observer* observer) { observer_ = observer; }

  // Zero for a page that is free or does not exist.
  std::uint32_t refs(PageId page) const { return page < pages_.size() ? pages_[page].refs : 0; }
  std::uint32_t filled(PageId page) const { return page < pages_.size() ? pages_[page].filled : 0; }

  std::uint32_t page_size() const { return page_size_; }
  std::uint32_t total() const { return static_cast<std::uint32_t>(pages_.size()); }
  std::uint32_t used() const { return used_; }
  std::uint32_t free() const { return total() - used_; }
  std::uint32_t shared() const { return shared_; }        // pages with more than one holder
  std::uint32_t peak_used() const { return peak_used_; }  // the most that were used at once
  std::uint32_t end() const { return end_; }              // one past the highest used page

 private:
  struct Page {
    std::uint32_t refs = 0;
    std::uint32_t filled = 0;  // 0 while free
  };

  std::vector<Page> pages_;
  std::uint32_t page_size_;
  std::vector<std::uint64_t> free_bits_;  // bit page % 64 of word page / 64: the page is free
  std::size_t first_word_ = 0;            // no word before it has a free page
  std::uint32_t used_ = 0;
  std::uint32_t shared_ = 0;
  std::uint32_t peak_used_ = 0;
  std::uint32_t end_ = 0;
  Observer* observer_ = nullptr;
};

}  // namespace medinfer
