#include "speculation/next_tokens.h"

#include <algorithm>

namespace medinfer {
namespace {

constexpr unsigned kTagShift = 32;

// The finaliser of splitmix64 over each token in turn.
std::uint64_t HashOf(std::span<const std::int32_t> tokens) {
  std::uint64_t hash = tokens.size();
  for (const std::int32_t token : tokens) {
    hash = (hash ^ static_cast<std::uint32_t>(token)) + 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    hash ^= hash >> 31U;
  }
  return hash;
}

std::uint32_t TagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> kTagShift); }

}  // namespace

NextTokens::Contexts NextTokens::ContextsOf(std::span<const std::int32_t> tokens) {
  Contexts contexts;
  for (std::size_t i = 0; i < kOrders.size(); ++i) {
    if (tokens.size() >= kOrders[i]) contexts[i] = HashOf(tokens.last(kOrders[i]));
  }
  return contexts;
}

void NextTokens::Learn(const Contexts& contexts, std::int32_t token) {
  for (const auto& hash : contexts) {
    if (!hash) continue;
    Entry& entry = entries_[PlaceOf(*hash)];
    if (entry.tag == TagOf(*hash) && entry.token == token) {
      entry.steady = std::min<std::uint8_t>(entry.steady + 1, kSteadiest);
    } else if (entry.token < 0 || entry.steady == 0) {
      entry = {TagOf(*hash), token, 0};
    } else {
      entry.steady /= 2;
    }
  }
}

std::optional<NextTokens::Guess> NextTokens::Find(const Contexts& contexts, std::size_t order) const {
  if (!contexts[order]) return std::nullopt;
  const Entry& entry = entries_[PlaceOf(*contexts[order])];
  if (entry.token < 0 || entry.tag != TagOf(*contexts[order])) return std::nullopt;
  return Guess{entry.token, entry.steady};
}

}  // namespace medinfer
