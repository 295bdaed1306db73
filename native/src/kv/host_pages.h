// Pages that left the KV pool, in host memory: copied back, they are not computed again. What is used least recently
// goes first where the budget is spent.
//
// A page is known by its path: a SHA-256 over its salt and the keys of all cells up to its end. So no collision can
// hand one patient's cells to another, and no tenant finds what another has left. What stood behind a last whole page,
// a page that is written in part, is known by the path of that page, and one for each. Not thread-safe: belongs to the
// engine thread. Knows no llama.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kv/cell_key.h"

namespace medinfer {

using PagePath = std::array<std::uint8_t, 32>;

// Of what a salt's first page is below.
PagePath RootPath(std::string_view salt);
// Of the page that holds these keys, behind another. Without keys: of the rest behind it.
PagePath PathBelow(const PagePath& parent, std::span<const CellKey> keys);

class HostPages {
 public:
  using Bytes = std::vector<std::uint8_t>;

  // `budget`: most bytes of pages; 0: nothing is kept.
  explicit HostPages(std::uint64_t budget) : budget_(budget) {}

  bool has_room() const { return budget_ > 0; }
  // Whether the page is there: then it counts as used now.
  bool Touch(const PagePath& path);
  // In place of what was there. It goes without where it is larger than the budget. `keys`: of a rest, those of its
  // cells that are written; none of a whole page.
  void Keep(const PagePath& path, std::string_view salt, Bytes bytes, std::vector<CellKey> keys = {});
  // Null: it is not there. Otherwise it counts as used now; until the next Keep or Forget.
  const Bytes* Find(const PagePath& path);
  struct Rest {
    std::span<const CellKey> keys;
    std::span<const std::uint8_t> bytes;  // of its page, written in part
  };
  // The same of a rest; without keys: it is not there.
  Rest FindRest(const PagePath& path);
  // Forgets all that these salts have.
  void Forget(const std::function<bool(std::string_view salt)>& drops);

  std::size_t pages() const { return pages_.size(); }
  std::uint64_t bytes() const { return used_; }

 private:
  struct Page {
    PagePath path{};
    std::string salt;
    Bytes bytes;
    std::vector<CellKey> keys;

    std::size_t size() const { return bytes.size() + keys.size() * sizeof(CellKey); }
  };
  using Pages = std::list<Page>;
  struct PathHash {
    // Any part of a digest is as good as another.
    std::size_t operator()(const PagePath& path) const {
      std::size_t hash = 0;
      std::memcpy(&hash, path.data(), sizeof(hash));
      return hash;
    }
  };

  void Drop(Pages::iterator page);

  const std::uint64_t budget_;
  std::uint64_t used_ = 0;
  Pages pages_;  // least recently used first
  std::unordered_map<PagePath, Pages::iterator, PathHash> by_path_;
};

}  // namespace medinfer
