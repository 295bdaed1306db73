#include "kv/host_pages.h"

#include <iterator>
#include <utility>

namespace medinfer {

void HostPages::Keep(PageCopy page) {
  if (const auto known = by_path_.find(page.path); known != by_path_.end()) Take(known->second);
  const auto give = [this](PageCopy lost) {
    if (overflow_) overflow_(std::move(lost));
  };
  if (page.size() > budget_) return give(std::move(page));
  while (used_ + page.size() > budget_) give(Take(pages_.begin()));
  used_ += page.size();
  pages_.push_back(std::move(page));
  by_path_.emplace(pages_.back().path, std::prev(pages_.end()));
}

const PageCopy* HostPages::Find(const PagePath& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  pages_.splice(pages_.end(), pages_, found->second);
  return &*found->second;
}

void HostPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  for (auto page = pages_.begin(); page != pages_.end();) {
    const auto next = std::next(page);
    if (drops(page->salt)) Take(page);
    page = next;
  }
}

PageCopy HostPages::Take(Pages::iterator page) {
  used_ -= page->size();
  by_path_.erase(page->path);
  PageCopy taken = std::move(*page);
  pages_.erase(page);
  return taken;
}

}  // namespace medinfer
