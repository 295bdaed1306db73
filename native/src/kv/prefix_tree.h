// Full pages of the KV pool, findable by what they hold: the prefix cache. A node is one page, its parent the page of
// the cells before. Roots are by salt (whatever must not share: another LoRA, another tenant).
//
// Invariants:
//   - a page is in the tree at most once, and the tree holds one ref on it;
//   - a match compares every key exactly, from the root on: hashes only find candidates. No collision can hand one
//     patient's cells to another;
//   - a node is evictable while neither its page nor any page below has another holder than the tree;
//   - evictable_ is in order of last use, which is when a node became evictable or was committed again, and has every
//     node after all its descendants: so its front is always a leaf, and evicting is popping.
// Cost: O(1) per page and key, whatever the tree's size; a page's keys take 8 bytes per cell, allocated up front.
// Watches its pool for other holders of the pages: at most one tree per pool. Belongs to the pool's thread; the pool
// must outlive it. Knows no llama.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kv/cell_key.h"
#include "kv/page_copy.h"
#include "kv/page_pool.h"
#include "kv/page_table.h"

namespace medinfer {

class PrefixTree final : private PagePool::Observer {
 public:
  struct Stats {
    std::uint64_t lookups = 0;
    std::uint64_t hits = 0;  // lookups that matched a page or more
    std::uint64_t matched_cells = 0;
    std::uint64_t inserted = 0;  // pages
    std::uint64_t evicted = 0;   // pages
  };

  // Told of a page that is evicted, before it is free. `media`: how many of its cells are of images, or of those of a
  // page below that went before it, if that had more: without this one none of them is found.
  using Evictor = std::function<void(PageId page, const PagePath& path, std::string_view salt, std::uint32_t media)>;
  // Of a page's keys, given the hash of its parent or salt.
  using PageHash = std::uint64_t (*)(std::uint64_t seed, std::span<const CellKey> keys);
  static std::uint64_t HashPage(std::uint64_t seed, std::span<const CellKey> keys);

  // `hash` may be as bad as it likes, at a price in time only.
  explicit PrefixTree(PagePool& pool, PageHash hash = &HashPage);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // Null: nobody is told. REQUIRES: no page is cached.
  void SetEvictor(Evictor evictor) { evictor_ = std::move(evictor); }

  // The longest run of whole pages that hold `keys` from the start. A table, not page ids: its refs keep the pages from
  // being evicted before they are used. Pages count as used until it, and every table of them, is gone.
  // A caller that needs a shorter match (at least one token must be computed to have logits; a match must not end
  // inside media) gives fewer keys or truncates; on a page boundary, or Commit cannot enter the rest of that table.
  PageTable Find(std::span<const CellKey> keys, std::string_view salt);

  // Enters the table's pages from its start as long as they are whole and have keys. Where the tree has such a page,
  // that one stays, and the table keeps its own. Stops at a page that the tree has for other keys or another salt.
  // Returns how many pages are new. REQUIRES: cell i of the table holds what keys[i] says, computed on that prefix.
  std::uint32_t Commit(const PageTable& table, std::span<const CellKey> keys, std::string_view salt);

  // Frees up to so many pages, the least recently used first, descendants before their ancestors. Returns how many.
  std::uint32_t EvictLru(std::uint32_t pages);

  // Forgets all that these salts have. Tables keep what they have. O(pages of the pool).
  void Forget(const std::function<bool(std::string_view salt)>& drops);

  // Forgets everything. Tables keep what they have.
  void Clear();

  std::uint32_t cached() const { return evictable() + static_cast<std::uint32_t>(held_.size()); }
  // Pages that EvictLru can free in all.
  std::uint32_t evictable() const { return static_cast<std::uint32_t>(evictable_.size()); }
  std::size_t salts() const { return roots_.size(); }  // that have pages
  const Stats& stats() const { return stats_; }

 private:
  static constexpr PageId kNone = std::numeric_limits<PageId>::max();

  using Roots = std::map<std::string, std::uint32_t, std::less<>>;  // salt -> number of nodes, never zero at rest

  struct Node {
    bool cached = false;  // the rest has meaning only where this is true
    PageId parent = kNone;
    Roots::iterator root;
    std::uint64_t hash = 0;
    PagePath path{};                    // these two: where there is an evictor
    std::uint32_t media = 0;            // see Evictor
    std::uint32_t holds = 0;            // one if the page has another holder, plus the children that have holds
    std::list<PageId>::iterator place;  // in evictable_ if holds == 0, else in held_
  };

  void OnSharing(PageId page, bool shared) override;
  void AddHold(PageId page);
  void RemoveHold(PageId page);

  std::span<CellKey> KeysOf(PageId page);
  // The child of `parent`, or of the root where that is kNone, that holds these keys; kNone if there is none.
  PageId FindChild(PageId parent, Roots::iterator root, std::uint64_t hash, std::span<const CellKey> keys);
  void Insert(PageId page, PageId parent, Roots::iterator root, std::uint64_t hash, std::span<const CellKey> keys);
  void Remove(PageId page);
  void Touch(PageId deepest);

  PagePool& pool_;
  PageHash hash_;
  Evictor evictor_;
  std::vector<Node> nodes_;    // by page
  std::vector<CellKey> keys_;  // by cell
  Roots roots_;
  std::unordered_multimap<std::uint64_t, PageId> by_hash_;
  std::list<PageId> evictable_;  // least recently used first
  std::list<PageId> held_;       // in no order
  Stats stats_;
};

}  // namespace medinfer
