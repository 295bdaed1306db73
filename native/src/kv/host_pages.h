// Pages that left the KV pool, in host memory: copied back, they are not computed again. Where the budget is spent,
// what costs least to compute again goes first, and of that what is used least recently. Not thread-safe: belongs to
// the engine thread. Knows no llama.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "kv/eviction_queue.h"
#include "kv/page_copy.h"

namespace medinfer {

class HostPages {
 public:
  // Gets what the budget has no room for.
  using Overflow = std::function<void(PageCopy page)>;

  // `budget`: most bytes of pages; 0: nothing is kept.
  explicit HostPages(std::uint64_t budget) : budget_(budget) {}

  void SetOverflow(Overflow overflow) { overflow_ = std::move(overflow); }

  bool has_room() const { return budget_ > 0; }
  // Whether the page is there: then it counts as used now.
  bool Touch(const PagePath& path) { return Find(path) != nullptr; }
  // In place of what was there.
  void Keep(PageCopy page);
  // Null: it is not there. Otherwise it counts as used now; until the next Keep or Forget.
  const PageCopy* Find(const PagePath& path);
  // Forgets all that these salts have.
  void Forget(const std::function<bool(std::string_view salt)>& drops);

  std::size_t pages() const { return pages_.size(); }
  std::uint64_t bytes() const { return used_; }

 private:
  struct Entry {
    PageCopy page;
    EvictionQueue::Place place;
  };
  using Pages = std::unordered_map<PagePath, Entry, PagePathHash>;

  PageCopy Take(Pages::iterator entry);

  const std::uint64_t budget_;
  Overflow overflow_;
  std::uint64_t used_ = 0;
  Pages pages_;
  EvictionQueue order_;
};

}  // namespace medinfer
