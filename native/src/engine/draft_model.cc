#include "engine/draft_model.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "kv/cell_key.h"

namespace medinfer {
namespace {

constexpr double kKept = 0.9;  // of what passes took, in the mean

std::vector<CellKey> KeysOf(std::span<const std::int32_t> tokens) {
  std::vector<CellKey> keys;
  keys.reserve(tokens.size());
  std::ranges::transform(tokens, std::back_inserter(keys), TokenKey);
  return keys;
}

}  // namespace

std::vector<std::vector<Guess>> DraftModel::Propose(std::span<const Ask> asks, const GoesOnFn& goes_on) {
  ++calls_;
  std::vector<std::vector<Guess>> guesses(asks.size());
  if (broken_) return guesses;
  std::vector<Turn> turns;
  std::uint32_t room = n_batch_;
  for (std::size_t i = 0; i < asks.size() && room > 0; ++i) {
    const bool fits = asks[i].most > 0 && asks[i].tokens.size() + asks[i].most <= parts_.n_ctx;
    Reading* reading = fits ? Prepare(asks[i]) : nullptr;
    if (reading == nullptr) continue;
    const std::vector<std::int32_t>& text = asks[i].tokens;
    const std::size_t n = std::min<std::size_t>(text.size() - reading->tokens.size(), room);
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(reading->tokens.size());
    turns.push_back(
        {i, reading, {begin, begin + static_cast<std::ptrdiff_t>(n)}, reading->tokens.size() + n == text.size()});
    room -= static_cast<std::uint32_t>(n);
  }
  while (!turns.empty()) {
    if (!Pass(turns)) break;
    std::vector<Turn> next;
    for (std::size_t span = 0; span < turns.size(); ++span) {
      Turn& turn = turns[span];
      if (!turn.last) continue;
      std::vector<Guess>& own = guesses[turn.ask];
      const Guess guess = LikeliestGuess(parts_.decoder->Logits(span), n_vocab_);
      if (guess.token < 0) continue;
      own.push_back(guess);
      if (own.size() >= asks[turn.ask].most || !goes_on(turn.ask, own)) continue;
      next.push_back({turn.ask, turn.reading, {guess.token}, true});
    }
    turns = std::move(next);
  }
  return guesses;
}

// What is read of the text, with at least its last token left to read; null: there is no room.
DraftModel::Reading* DraftModel::Prepare(const Ask& ask) {
  KvPool& pool = *parts_.pool;
  const auto known = readings_.find(ask.id);
  if (known != readings_.end()) {
    Reading& reading = known->second;
    reading.used = calls_;
    const auto [mine, theirs] = std::ranges::mismatch(reading.tokens, ask.tokens);
    const auto common = std::min(static_cast<std::size_t>(mine - reading.tokens.begin()), ask.tokens.size() - 1);
    if (common == 0) {  // a pass of nothing is no position
      Drop(ask.id);
      return Prepare(ask);
    }
    if (common < reading.tokens.size()) {
      reading.tokens.resize(common);
      pool.Shrink(reading.slot, static_cast<std::uint32_t>(common));
      parts_.decoder->Shrink(reading.slot, static_cast<std::uint32_t>(common), static_cast<std::int32_t>(common) - 1);
    }
    return &reading;
  }
  const std::vector<CellKey> keys = KeysOf(std::span(ask.tokens).first(ask.tokens.size() - 1));
  PageTable found = pool.FindPrefix(keys, ask.salt);
  const std::uint32_t n_found = found.size();
  std::optional<SequenceId> slot;
  while (!(slot = pool.Acquire(found, 0, 0))) {
    if (!GiveUpOne()) return nullptr;
  }
  parts_.decoder->Attach(*slot, n_found, static_cast<std::int32_t>(n_found) - 1);
  Reading& reading = readings_[ask.id];
  reading = {*slot, {ask.tokens.begin(), ask.tokens.begin() + n_found}, calls_};
  return &reading;
}

// Forgets what was needed least recently, and not in this call.
bool DraftModel::GiveUpOne() {
  const auto oldest = std::ranges::min_element(readings_, {}, [](const auto& each) { return each.second.used; });
  if (oldest == readings_.end() || oldest->second.used == calls_) return false;
  Drop(oldest->first);
  return true;
}

void DraftModel::Drop(RequestId id) {
  const auto found = readings_.find(id);
  parts_.decoder->Forget(found->second.slot);
  parts_.pool->Release(found->second.slot);
  readings_.erase(found);
}

// Reads what comes next of each; a turn without room is left out. False: there is nothing more to be had.
bool DraftModel::Pass(std::vector<Turn>& turns) {
  std::erase_if(turns, [this](const Turn& turn) {
    while (!parts_.pool->Grow(turn.reading->slot, static_cast<std::uint32_t>(turn.next.size()))) {
      if (!GiveUpOne()) return true;
    }
    return false;
  });
  if (turns.empty()) return false;
  std::vector<TextSpan> spans;
  bool single = true;
  for (const Turn& turn : turns) {
    const auto position = static_cast<std::int32_t>(turn.reading->tokens.size());
    spans.push_back({turn.reading->slot, position, turn.next, turn.last ? 1U : 0U, {}, turn.last});
    single = single && turn.next.size() == 1;
  }
  const auto begun = std::chrono::steady_clock::now();
  if (parts_.decoder->DecodeText(spans, /*copies_logits=*/true) != DecodeOutcome::kOk) {
    broken_ = true;  // what its context holds is not known
    return false;
  }
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  if (single) ms_ = ms_ == 0 ? ms : ms_ * kKept + ms * (1 - kKept);
  for (const Turn& turn : turns) {
    std::vector<std::int32_t>& read = turn.reading->tokens;
    read.insert(read.end(), turn.next.begin(), turn.next.end());
  }
  return true;
}

}  // namespace medinfer
