// What a prefix tree should hold, kept the slow way: every prefix in full, and who is in use looked up each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kv/prefix_tree.h"
#include "support/paged_world.h"

namespace medinfer::testing {

class NaivePrefixTree {
 public:
  // `world` has the tables that hold pages, and must outlive it.
  explicit NaivePrefixTree(PagedWorld& world) : world_(world) {}

  std::vector<PageId> Find(const std::vector<CellKey>& keys, const std::string& salt) const;
  std::uint32_t Commit(const PagedSequence& sequence);
  std::uint32_t Evict(std::uint32_t pages);
  void Clear() { nodes_.clear(); }
  void Forget(const std::string& salt) {
    std::erase_if(nodes_, [&](const auto& node) { return node.first.first == salt; });
  }

  // Every node on the way to the end of `keys` is used now.
  void Use(const std::vector<CellKey>& keys, const std::string& salt);

  // To be called after every step: a node that nobody holds any more was in use until now.
  void Sync();

  std::uint32_t Evictable() const;
  std::set<PageId> CachedPages() const;
  void Check(const PrefixTree& tree) const;

 private:
  using Place = std::pair<std::string, std::vector<CellKey>>;  // salt, and all keys from the start to the page's end
  struct Node {
    PageId page = 0;
    std::uint64_t last_use = 0;
    bool held = false;
  };

  static bool Below(const Place& place, const Place& ancestor);
  bool Held(const Place& of) const;  // its page or one below
  bool IsLeaf(const Place& of) const;

  PagedWorld& world_;
  std::map<Place, Node> nodes_;
  std::uint64_t step_ = 1;
};

}  // namespace medinfer::testing
