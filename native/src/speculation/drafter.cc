#include "speculation/drafter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace medinfer {
namespace {

constexpr std::size_t kOwnPlaces = 1U << 12U;
constexpr std::size_t kMostPlaces = 1U << 17U;
constexpr std::size_t kLongest = NextTokens::kOrders.front();

// For each token and order one, and room between them.
std::size_t PlacesFor(std::size_t n_tokens) { return std::clamp(std::bit_ceil(4 * n_tokens), kOwnPlaces, kMostPlaces); }

}  // namespace

Drafter::Known::Known(std::size_t n_tokens) : texts(PlacesFor(n_tokens)) {}

void Drafter::Known::Learn(std::span<const std::int32_t> tokens) {
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    texts.Learn(NextTokens::ContextsOf(tokens.first(i).last(std::min(i, kLongest))), tokens[i]);
  }
}

Drafter::Drafter(std::shared_ptr<const Known> known)
    : known_(std::move(known)), own_(kOwnPlaces), history_(known_->tail) {}

void Drafter::Accept(std::int32_t token, NextTokens* answers) {
  const NextTokens::Contexts contexts = NextTokens::ContextsOf(history_);
  own_.Learn(contexts, token);
  if (answers != nullptr) answers->Learn(contexts, token);
  history_.push_back(token);
}

// Of all guesses, none of which contradicts `forced`, the likeliest.
std::optional<Drafter::Guess> Drafter::GuessBehind(std::span<const std::int32_t> tokens, std::string_view forced,
                                                   const NextTokens* answers, const Acceptance& acceptance) const {
  const NextTokens::Contexts contexts = NextTokens::ContextsOf(tokens);
  std::optional<Guess> best;
  double chance = 0;
  for (const NextTokens* table : std::array{&own_, answers, &known_->texts}) {
    if (table == nullptr) continue;
    for (std::size_t order = 0; order < NextTokens::kOrders.size(); ++order) {
      const auto guess = table->Find(contexts, order);
      if (!guess) continue;
      const GuessKind kind = GuessKind::Seen(order, guess->steady);
      if (acceptance.Of(kind) <= chance) continue;
      if (!forced.empty() && !known_->pieces->Agrees({&guess->token, 1}, forced)) continue;
      best = Guess{guess->token, kind};
      chance = acceptance.Of(kind);
    }
  }
  if (forced.empty() || (best && chance >= acceptance.Of(GuessKind::Forced()))) return best;
  const std::optional<std::int32_t> written = known_->pieces->First(forced);
  return written ? Guess{*written, GuessKind::Forced()} : best;
}

Draft Drafter::Propose(std::string_view forced, const NextTokens* answers, const Acceptance& acceptance,
                       std::size_t most) const {
  Draft draft;
  std::vector<std::int32_t> tokens(history_.end() - static_cast<std::ptrdiff_t>(std::min(history_.size(), kLongest)),
                                   history_.end());
  while (draft.tokens.size() < most) {
    const auto guess = GuessBehind(tokens, forced, answers, acceptance);
    if (!guess) break;
    if (!forced.empty()) forced.remove_prefix(std::min(forced.size(), known_->pieces->TextOf(guess->token).size()));
    tokens.push_back(guess->token);
    draft.tokens.push_back(guess->token);
    draft.kinds.push_back(guess->kind);
  }
  return draft;
}

}  // namespace medinfer
