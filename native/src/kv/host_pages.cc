#include "kv/host_pages.h"

#include <iterator>
#include <tuple>
#include <utility>

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

static_assert(SHA256_DIGEST_SIZE == std::tuple_size_v<PagePath>);

PagePath Digest(const void* first, std::size_t n_first, const void* second, std::size_t n_second) {
  sha256_t hash{};
  sha256_init(&hash);
  sha256_update(&hash, static_cast<const unsigned char*>(first), n_first);
  if (n_second > 0) sha256_update(&hash, static_cast<const unsigned char*>(second), n_second);
  PagePath path;
  sha256_final(&hash, path.data());
  return path;
}

}  // namespace

PagePath RootPath(std::string_view salt) { return Digest("salt", 4, salt.data(), salt.size()); }

PagePath PathBelow(const PagePath& parent, std::span<const CellKey> keys) {
  return Digest(parent.data(), parent.size(), keys.data(), keys.size_bytes());
}

bool HostPages::Touch(const PagePath& path) { return Find(path) != nullptr; }

void HostPages::Keep(const PagePath& path, std::string_view salt, Bytes bytes, std::vector<CellKey> keys) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) Drop(known->second);
  Page page{path, std::string(salt), std::move(bytes), std::move(keys)};
  if (page.size() > budget_) return;
  while (used_ + page.size() > budget_) Drop(pages_.begin());
  used_ += page.size();
  pages_.push_back(std::move(page));
  by_path_.emplace(path, std::prev(pages_.end()));
}

const HostPages::Bytes* HostPages::Find(const PagePath& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  pages_.splice(pages_.end(), pages_, found->second);
  return &found->second->bytes;
}

HostPages::Rest HostPages::FindRest(const PagePath& path) {
  if (Find(path) == nullptr) return {};
  const Page& page = pages_.back();
  return {page.keys, page.bytes};
}

void HostPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  for (auto page = pages_.begin(); page != pages_.end();) {
    const auto next = std::next(page);
    if (drops(page->salt)) Drop(page);
    page = next;
  }
}

void HostPages::Drop(Pages::iterator page) {
  used_ -= page->size();
  by_path_.erase(page->path);
  pages_.erase(page);
}

}  // namespace medinfer
