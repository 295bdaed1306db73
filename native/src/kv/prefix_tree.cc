#include "kv/prefix_tree.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace medinfer {

std::uint64_t PrefixTree::HashPage(std::uint64_t seed, std::span<const CellKey> keys) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;  // or a zero key on a zero seed would leave it zero
  for (const CellKey key : keys) seed = MixBits((seed ^ key) + kStep);
  return seed;
}

PrefixTree::PrefixTree(PagePool& pool, PageHash hash)
    : pool_(pool), hash_(hash), nodes_(pool.total()), keys_(static_cast<std::size_t>(pool.total()) * pool.page_size()) {
  pool_.SetObserver(this);
}

PrefixTree::~PrefixTree() {
  Clear();
  pool_.SetObserver(nullptr);
}

PageTable PrefixTree::Find(std::span<const CellKey> keys, std::string_view salt) {
  const std::size_t page_size = pool_.page_size();
  std::vector<PageId> pages;
  const auto root = roots_.find(salt);
  if (root != roots_.end()) {
    PageId parent = kNone;
    std::uint64_t hash = std::hash<std::string_view>{}(salt);
    for (; keys.size() >= page_size; keys = keys.subspan(page_size)) {
      const auto page_keys = keys.first(page_size);
      hash = hash_(hash, page_keys);
      parent = FindChild(parent, root, hash, page_keys);
      if (parent == kNone) break;
      pages.push_back(parent);
    }
  }
  PageTable match = PageTable::Attach(pool_, pages);
  ++stats_.lookups;
  if (!match.empty()) ++stats_.hits;
  stats_.matched_cells += match.size();
  return match;
}

std::uint32_t PrefixTree::Commit(const PageTable& table, std::span<const CellKey> keys, std::string_view salt) {
  const std::size_t page_size = pool_.page_size();
  const auto root = roots_.try_emplace(std::string(salt), 0).first;
  PageId parent = kNone;
  std::uint64_t hash = std::hash<std::string_view>{}(salt);
  std::uint32_t inserted = 0;
  for (const PageTable::Run& run : table.runs()) {
    if (run.count < page_size || keys.size() < page_size) break;
    const auto page_keys = keys.first(page_size);
    keys = keys.subspan(page_size);
    const Node& node = nodes_[run.page];
    PageId next = kNone;
    if (node.cached && node.parent == parent && node.root == root) {
      // The usual case, when a growing sequence is committed again: no hashing.
      if (!std::ranges::equal(KeysOf(run.page), page_keys)) break;
      next = run.page;
      hash = node.hash;
    } else {
      hash = hash_(hash, page_keys);
      next = FindChild(parent, root, hash, page_keys);
      if (next == kNone) {
        if (node.cached) break;
        Insert(run.page, parent, root, hash, page_keys);
        next = run.page;
        ++inserted;
      }
    }
    parent = next;
  }
  Touch(parent);
  if (root->second == 0) roots_.erase(root);
  stats_.inserted += inserted;
  return inserted;
}

std::uint32_t PrefixTree::EvictLru(std::uint32_t pages) {
  const std::uint32_t n = std::min(pages, evictable());
  for (std::uint32_t i = 0; i < n; ++i) {
    const Node& node = nodes_[evictable_.front()];
    if (evictor_) {
      evictor_(evictable_.front(), node.path, node.root->first, node.media);
      if (node.parent != kNone) nodes_[node.parent].media = std::max(nodes_[node.parent].media, node.media);
    }
    Remove(evictable_.front());
  }
  stats_.evicted += n;
  return n;
}

void PrefixTree::Forget(const std::function<bool(std::string_view salt)>& drops) {
  std::vector<PageId> pages;
  for (PageId page = 0; page < nodes_.size(); ++page) {
    if (nodes_[page].cached && drops(nodes_[page].root->first)) pages.push_back(page);
  }
  // A salt's pages go together, so no hold of one reaches a page that stays.
  for (const PageId page : pages) {
    Node& node = nodes_[page];
    const auto [first, last] = by_hash_.equal_range(node.hash);
    by_hash_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == page; }));
    (node.holds == 0 ? evictable_ : held_).erase(node.place);
    if (--node.root->second == 0) roots_.erase(node.root);
    node.cached = false;  // first: unsharing the page then means nothing to the tree
  }
  for (const PageId page : pages) pool_.Unref(page);
}

void PrefixTree::Clear() {
  by_hash_.clear();
  roots_.clear();
  std::list<PageId> pages = std::exchange(evictable_, {});
  pages.splice(pages.end(), held_);
  for (const PageId page : pages) {
    nodes_[page].cached = false;  // first: unsharing the page then means nothing to the tree
    pool_.Unref(page);
  }
}

void PrefixTree::OnSharing(PageId page, bool shared) {
  if (!nodes_[page].cached) return;
  if (shared) {
    AddHold(page);
  } else {
    RemoveHold(page);
  }
}

// Only the first hold of a node reaches its parent: a table that takes or drops all pages of a path, in either order,
// costs O(1) per page.
void PrefixTree::AddHold(PageId page) {
  for (; page != kNone; page = nodes_[page].parent) {
    Node& node = nodes_[page];
    if (node.holds++ > 0) return;
    held_.splice(held_.end(), evictable_, node.place);
  }
}

void PrefixTree::RemoveHold(PageId page) {
  for (; page != kNone; page = nodes_[page].parent) {
    Node& node = nodes_[page];
    if (--node.holds > 0) return;
    evictable_.splice(evictable_.end(), held_, node.place);
  }
}

std::span<CellKey> PrefixTree::KeysOf(PageId page) {
  const std::size_t page_size = pool_.page_size();
  return std::span(keys_).subspan(page * page_size, page_size);
}

PageId PrefixTree::FindChild(PageId parent, Roots::iterator root, std::uint64_t hash, std::span<const CellKey> keys) {
  const auto [first, last] = by_hash_.equal_range(hash);
  const auto found = std::find_if(first, last, [&](const auto& entry) {
    const Node& node = nodes_[entry.second];
    return node.parent == parent && node.root == root && std::ranges::equal(KeysOf(entry.second), keys);
  });
  return found == last ? kNone : found->second;
}

void PrefixTree::Insert(PageId page, PageId parent, Roots::iterator root, std::uint64_t hash,
                        std::span<const CellKey> keys) {
  pool_.Ref(page);  // before it is a node: the sharing is accounted for below
  std::ranges::copy(keys, KeysOf(page).begin());
  by_hash_.emplace(hash, page);
  ++root->second;
  const auto place = evictable_.insert(evictable_.end(), page);
  nodes_[page] = {.cached = true, .parent = parent, .root = root, .hash = hash, .holds = 0, .place = place};
  if (evictor_) {
    nodes_[page].path = PathBelow(parent == kNone ? RootPath(root->first) : nodes_[parent].path, keys);
    nodes_[page].media = static_cast<std::uint32_t>(std::ranges::count_if(keys, IsMedia));
  }
  AddHold(page);  // the table's
}

void PrefixTree::Remove(PageId page) {
  Node& node = nodes_[page];
  const auto [first, last] = by_hash_.equal_range(node.hash);
  by_hash_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == page; }));
  evictable_.erase(node.place);
  if (--node.root->second == 0) roots_.erase(node.root);
  node.cached = false;
  pool_.Unref(page);
}

void PrefixTree::Touch(PageId deepest) {
  // Above a node that is held, all are.
  for (PageId page = deepest; page != kNone && nodes_[page].holds == 0; page = nodes_[page].parent) {
    evictable_.splice(evictable_.end(), evictable_, nodes_[page].place);
  }
}

}  // namespace medinfer
