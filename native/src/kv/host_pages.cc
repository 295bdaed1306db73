#include "kv/host_pages.h"

#include <iterator>
#include <utility>

namespace medinfer {
namespace {

double Worth(const PageCopy& page) { return page.cost / static_cast<double>(page.size()); }

}  // namespace

void HostPages::Keep(PageCopy page) {
  if (const auto known = pages_.find(page.path); known != pages_.end()) {
    order_.Leave(known->second.place);
    Take(known);
  }
  const auto give = [this](PageCopy lost) {
    if (overflow_) overflow_(std::move(lost));
  };
  if (page.size() > budget_) return give(std::move(page));
  while (used_ + page.size() > budget_) give(Take(pages_.find(order_.TakeFirst())));
  used_ += page.size();
  const EvictionQueue::Place place = order_.Enter(page.path, Worth(page));
  const PagePath path = page.path;
  pages_.emplace(path, Entry{std::move(page), place});
}

const PageCopy* HostPages::Find(const PagePath& path) {
  const auto found = pages_.find(path);
  if (found == pages_.end()) return nullptr;
  Entry& entry = found->second;
  entry.place = order_.Use(entry.place, Worth(entry.page));
  return &entry.page;
}

void HostPages::Forget(const std::function<bool(std::string_view salt)>& drops) {
  for (auto entry = pages_.begin(); entry != pages_.end();) {
    const auto next = std::next(entry);
    if (drops(entry->second.page.salt)) {
      order_.Leave(entry->second.place);
      Take(entry);
    }
    entry = next;
  }
}

// REQUIRES: it has left the order.
PageCopy HostPages::Take(Pages::iterator entry) {
  PageCopy taken = std::move(entry->second.page);
  used_ -= taken.size();
  pages_.erase(entry);
  return taken;
}

}  // namespace medinfer
