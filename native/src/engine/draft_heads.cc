#include "engine/draft_heads.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace medinfer {
namespace {

constexpr double kKept = 0.9;  // of what passes took, in the mean
// Of that, behind a pass of the model for which no guess was wanted: a slow pass (the first reads its weights from the
// file) is found out to have been one.
constexpr double kFaded = 0.98;

// Tokens of an answer that may stay unread while no guess is wanted: a pass costs about the same for one as for these.
constexpr std::size_t kMostUnread = 16;

}  // namespace

void DraftHeads::Note(SequenceId sequence, std::int32_t position, std::span<const std::int32_t> tokens,
                      std::span<const float> hidden) {
  if (!broken_) ReadingOf(sequence).Note(position, tokens, hidden);
}

void DraftHeads::CatchUp() {
  std::vector<SequenceId> far;
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    if (readings_[i].tokens().size() > kMostUnread) far.push_back(static_cast<SequenceId>(i));
  }
  ReadUnread(far);
  if (!std::exchange(guessed_, false)) ms_ *= kFaded;
}

void DraftHeads::Fork(SequenceId from, SequenceId to) {
  Settle(from);
  HeadReading& copy = ReadingOf(to);
  copy = ReadingOf(from);
  head_.Shrink(to, copy.read(), static_cast<std::int32_t>(copy.read()) - 1);
}

void DraftHeads::ReadUnread(std::span<const SequenceId> sequences) {
  while (!broken_) {
    std::vector<Turn> turns;
    std::uint32_t room = n_batch_;
    for (const SequenceId sequence : sequences) {
      const HeadReading& reading = ReadingOf(sequence);
      const std::size_t n = std::min<std::size_t>(reading.tokens().size(), room);
      if (n == 0) continue;
      const auto tokens = reading.tokens().first(n);
      const auto rows = reading.rows().first(n * head_.n_hidden());
      turns.push_back({sequence, reading.read(), {tokens.begin(), tokens.end()}, {rows.begin(), rows.end()}});
      room -= static_cast<std::uint32_t>(n);
    }
    if (turns.empty() || !Pass(turns, /*guesses=*/false)) return;
    for (const Turn& turn : turns) ReadingOf(turn.slot).Took(static_cast<std::uint32_t>(turn.tokens.size()));
  }
}

std::vector<std::vector<Guess>> DraftHeads::Propose(std::span<const Ask> asks, const GoesOnFn& goes_on) {
  std::vector<std::vector<Guess>> guesses(asks.size());
  std::vector<Turn> turns = Begin(asks);
  guessed_ = true;
  std::vector<std::pair<SequenceId, std::uint32_t>> held;  // cells, before guesses take some
  for (const Turn& turn : turns) held.emplace_back(turn.slot, pool_.table(turn.slot).size());
  bool first = true;
  while (!turns.empty() && Pass(turns, /*guesses=*/true)) {
    std::vector<Turn> next;
    for (std::size_t span = 0; span < turns.size(); ++span) {
      const Turn& turn = turns[span];
      if (first) ReadingOf(turn.slot).TookFollowing();
      const Guess guess = LikeliestGuess(head_.Logits(span), n_vocab_);
      if (guess.token < 0) continue;
      std::vector<Guess>& own = guesses[turn.ask];
      own.push_back(guess);
      if (own.size() >= asks[turn.ask].most || !goes_on(turn.ask, own)) continue;
      const auto cell = turn.cell + static_cast<std::uint32_t>(turn.tokens.size());
      if (cell == pool_.table(turn.slot).size() && !pool_.GrowIfFree(turn.slot, 1)) continue;
      const std::span<const float> hidden = head_.Hidden(span);
      next.push_back({turn.slot, cell, {guess.token}, {hidden.begin(), hidden.end()}, turn.ask});
    }
    turns = std::move(next);
    first = false;
  }
  // What it has read of its own guesses goes again.
  for (const auto& [slot, cells] : held) {
    const std::uint32_t read = ReadingOf(slot).read();
    head_.Shrink(slot, read, static_cast<std::int32_t>(read) - 1);
    pool_.Shrink(slot, cells);
  }
  return guesses;
}

// The first pass: what is unread of each that is to be guessed for, and its latest token.
std::vector<DraftHeads::Turn> DraftHeads::Begin(std::span<const Ask> asks) {
  std::vector<Turn> turns;
  std::size_t room = broken_ ? 0 : n_batch_;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    const Ask& ask = asks[i];
    const HeadReading& reading = ReadingOf(ask.slot);
    if (ask.most == 0 || !reading.CanFollow(ask.cells) || reading.tokens().size() >= room) continue;
    Turn turn{ask.slot,
              reading.read(),
              {reading.tokens().begin(), reading.tokens().end()},
              {reading.rows().begin(), reading.rows().end()},
              i};
    turn.tokens.push_back(ask.pending);
    room -= turn.tokens.size();
    turns.push_back(std::move(turn));
  }
  return turns;
}

// With `guesses` the last token of each is put out.
bool DraftHeads::Pass(std::span<const Turn> turns, bool guesses) {
  std::vector<TextSpan> spans;
  for (const Turn& turn : turns) {
    spans.push_back({turn.slot,
                     static_cast<std::int32_t>(turn.cell),
                     turn.tokens,
                     guesses ? 1U : 0U,
                     {},
                     /*generated=*/guesses,
                     turn.hidden});
  }
  const auto begun = std::chrono::steady_clock::now();
  const DecodeOutcome outcome = head_.DecodeText(spans, /*copies_logits=*/guesses);
  if (outcome != DecodeOutcome::kOk) {
    // A pass that is given up may have read a part.
    for (const Turn& turn : turns) ReadingOf(turn.slot).Lose();
    broken_ = outcome != DecodeOutcome::kAborted;
    return false;
  }
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  if (guesses) ms_ = ms_ == 0 ? ms : ms_ * kKept + ms * (1 - kKept);
  return true;
}

void DraftHeads::Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  head_.Attach(sequence, cells, position);
  ReadingOf(sequence).Begin(cells, head_.n_hidden());
}

void DraftHeads::Settle(SequenceId sequence) {
  if (!ReadingOf(sequence).tokens().empty()) ReadUnread(std::span(&sequence, 1));
}

void DraftHeads::Forget(SequenceId sequence) {
  head_.Forget(sequence);
  ReadingOf(sequence).Lose();
}

void DraftHeads::Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t /*position*/) {
  HeadReading& reading = ReadingOf(sequence);
  reading.Shrink(cells);
  head_.Shrink(sequence, reading.read(), static_cast<std::int32_t>(reading.read()) - 1);
}

}  // namespace medinfer
