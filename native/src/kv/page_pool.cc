#include "kv/page_pool.h"

#include <algorithm>
#include <bit>

namespace medinfer {
namespace {

constexpr std::size_t kWordBits = 64;

constexpr std::uint64_t BitOf(PageId page) { return std::uint64_t{1} << (page % kWordBits); }

}  // namespace

PagePool::PagePool(std::uint32_t page_count, std::uint32_t page_size)
    : pages_(page_count), page_size_(page_size), free_bits_((page_count + kWordBits - 1) / kWordBits) {
  for (PageId page = 0; page < page_count; ++page) free_bits_[page / kWordBits] |= BitOf(page);
}

std::optional<PageId> PagePool::Allocate() {
  while (first_word_ < free_bits_.size() && free_bits_[first_word_] == 0) ++first_word_;
  if (first_word_ == free_bits_.size()) return std::nullopt;
  std::uint64_t& word = free_bits_[first_word_];
  const auto page = static_cast<PageId>(first_word_ * kWordBits + static_cast<std::size_t>(std::countr_zero(word)));
  word &= word - 1;
  pages_[page] = {.refs = 1, .filled = 0};
  peak_used_ = std::max(peak_used_, ++used_);
  end_ = std::max(end_, page + 1);
  return page;
}

void PagePool::Ref(PageId page) {
  if (refs(page) == 0) return;
  if (++pages_[page].refs != 2) return;
  ++shared_;
  if (observer_ != nullptr) observer_->OnSharing(page, true);
}

void PagePool::Unref(PageId page) {
  if (refs(page) == 0) return;
  const std::uint32_t left = --pages_[page].refs;
  if (left == 1) {
    --shared_;
    if (observer_ != nullptr) observer_->OnSharing(page, false);
  }
  if (left > 0) return;
  pages_[page].filled = 0;
  free_bits_[page / kWordBits] |= BitOf(page);
  first_word_ = std::min<std::size_t>(first_word_, page / kWordBits);
  --used_;
  // Short in the long run: allocating takes the lowest free page, so it raises end_ by one at a time.
  while (end_ > 0 && pages_[end_ - 1].refs == 0) --end_;
}

void PagePool::SetFilled(PageId page, std::uint32_t n) {
  if (refs(page) == 0) return;
  pages_[page].filled = std::min(n, page_size_);
}

}  // namespace medinfer
