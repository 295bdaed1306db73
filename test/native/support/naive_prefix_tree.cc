#include "support/naive_prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace medinfer::testing {

std::vector<PageId> NaivePrefixTree::Find(const std::vector<CellKey>& keys, const std::string& salt) const {
  const std::size_t page_size = world_.pool.page_size();
  std::vector<PageId> pages;
  for (std::size_t n = page_size; n <= keys.size(); n += page_size) {
    const auto end = keys.begin() + static_cast<std::ptrdiff_t>(n);
    const auto node = nodes_.find({salt, std::vector<CellKey>(keys.begin(), end)});
    if (node == nodes_.end()) break;
    pages.push_back(node->second.page);
  }
  return pages;
}

std::uint32_t NaivePrefixTree::Commit(const PagedSequence& sequence) {
  std::uint32_t inserted = 0;
  Place place = {sequence.salt, {}};
  for (const PageTable::Run& run : sequence.table.runs()) {
    if (run.count < world_.pool.page_size()) break;
    for (std::uint32_t i = 0; i < run.count; ++i) place.second.push_back(sequence.keys[run.begin + i]);
    const Node node = {.page = run.page, .last_use = 0, .held = true};
    inserted += nodes_.try_emplace(place, node).second ? 1 : 0;
  }
  return inserted;
}

std::uint32_t NaivePrefixTree::Evict(std::uint32_t pages) {
  std::uint32_t evicted = 0;
  for (; evicted < pages; ++evicted) {
    auto victim = nodes_.end();
    for (auto node = nodes_.begin(); node != nodes_.end(); ++node) {
      if (Held(node->first) || !IsLeaf(node->first)) continue;
      if (victim == nodes_.end() || node->second.last_use < victim->second.last_use) victim = node;
    }
    if (victim == nodes_.end()) break;
    nodes_.erase(victim);
  }
  return evicted;
}

void NaivePrefixTree::Use(const std::vector<CellKey>& keys, const std::string& salt) {
  for (auto& [place, node] : nodes_) {
    if (Below({salt, keys}, place)) node.last_use = step_;
  }
}

void NaivePrefixTree::Sync() {
  for (auto& [place, node] : nodes_) {
    const bool held = Held(place);
    if (node.held && !held) node.last_use = step_;
    node.held = held;
  }
  ++step_;
}

std::uint32_t NaivePrefixTree::Evictable() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(nodes_, [&](const auto& entry) { return !Held(entry.first); }));
}

std::set<PageId> NaivePrefixTree::CachedPages() const {
  std::set<PageId> pages;
  for (const auto& [place, node] : nodes_) pages.insert(node.page);
  return pages;
}

void NaivePrefixTree::Check(const PrefixTree& tree) const {
  EXPECT_EQ(tree.cached(), nodes_.size());
  EXPECT_EQ(tree.evictable(), Evictable());
  EXPECT_EQ(CachedPages().size(), nodes_.size()) << "a page is in the tree twice";
  std::set<std::string> salts;
  const std::uint32_t page_size = world_.pool.page_size();
  for (const auto& [place, node] : nodes_) {
    salts.insert(place.first);
    const std::size_t begin = place.second.size() - page_size;
    for (std::uint32_t i = 0; i < page_size; ++i) {
      EXPECT_EQ(world_.written(node.page * page_size + i), place.second[begin + i]) << "a cached cell was overwritten";
    }
  }
  EXPECT_EQ(tree.salts(), salts.size());
}

bool NaivePrefixTree::Below(const Place& place, const Place& ancestor) {
  return place.first == ancestor.first && place.second.size() >= ancestor.second.size() &&
         std::equal(ancestor.second.begin(), ancestor.second.end(), place.second.begin());
}

bool NaivePrefixTree::Held(const Place& of) const {
  const std::set<PageId> held = world_.HeldPages();
  return std::ranges::any_of(
      nodes_, [&](const auto& entry) { return Below(entry.first, of) && held.contains(entry.second.page); });
}

bool NaivePrefixTree::IsLeaf(const Place& of) const {
  return std::ranges::count_if(nodes_, [&](const auto& entry) { return Below(entry.first, of); }) == 1;
}

}  // namespace medinfer::testing
