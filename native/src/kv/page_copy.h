// A page of keys and values outside of the pool, and what names it.
//
// A page is known by its path: a SHA-256 over its salt and the keys of all cells up to its end. So no collision can
// hand one patient's cells to another, and no tenant finds what another has left. What stood behind a last whole page,
// a page that is written in part, is known by the path of that page, and one for each.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kv/cell_key.h"

namespace medinfer {

using PagePath = std::array<std::uint8_t, 32>;

// Of what a salt's first page is below.
PagePath RootPath(std::string_view salt);
// Of the page that holds these keys, behind another. Without keys: of the rest behind it.
PagePath PathBelow(const PagePath& parent, std::span<const CellKey> keys);

struct PagePathHash {
  // Any part of a digest is as good as another.
  std::size_t operator()(const PagePath& path) const {
    std::size_t hash = 0;
    std::memcpy(&hash, path.data(), sizeof(hash));
    return hash;
  }
};

struct PageCopy {
  using Bytes = std::vector<std::uint8_t>;  // CellStore::ReadPage

  PagePath path{};
  std::string salt;
  Bytes bytes;
  std::vector<CellKey> keys{};  // of a rest, those of its cells that are written; none of a whole page
  double cost = 1;              // of computing it again

  // Whether it is a rest that ends or begins an image: without it nothing of the image is found.
  bool holds_image() const { return std::ranges::any_of(keys, IsMedia); }
  std::size_t size() const { return bytes.size() + keys.size() * sizeof(CellKey); }
};

}  // namespace medinfer
