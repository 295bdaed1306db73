#include "engine/head_reading.h"

namespace medinfer {

void HeadReading::Begin(std::uint32_t cells, std::size_t width) {
  lost_ = false;
  width_ = width;
  read_ = cells;
  tokens_.clear();
  rows_.assign(width, 0);
}

void HeadReading::Note(std::int32_t position, std::span<const std::int32_t> tokens, std::span<const float> rows) {
  if (lost_) return;
  auto cell = static_cast<std::uint32_t>(position);
  for (std::size_t i = 0; i < tokens.size(); ++i, ++cell) {
    const bool next = cell == read_ + tokens_.size() && !rows_.empty();
    // It was guessed from, and its row was not known then.
    const bool followed = cell + 1 == read_ && rows_.empty();
    if (!next && !followed) return Lose();
    if (next) tokens_.push_back(tokens[i]);
    const std::span<const float> row = rows.subspan(i * width_, width_);
    rows_.insert(rows_.end(), row.begin(), row.end());
  }
}

void HeadReading::Shrink(std::uint32_t cells) {
  if (lost_) return;
  if (cells < read_) return Begin(cells, width_);
  const std::size_t kept = cells - read_;
  if (kept >= tokens_.size()) return;
  tokens_.resize(kept);
  rows_.resize((kept + 1) * width_);
}

bool HeadReading::CanFollow(std::uint32_t cells) const {
  return !lost_ && !rows_.empty() && read_ + tokens_.size() == cells;
}

void HeadReading::Took(std::uint32_t n) {
  read_ += n;
  tokens_.erase(tokens_.begin(), tokens_.begin() + n);
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(n * width_));
}

void HeadReading::TookFollowing() {
  read_ += static_cast<std::uint32_t>(tokens_.size()) + 1;
  tokens_.clear();
  rows_.clear();
}

}  // namespace medinfer
