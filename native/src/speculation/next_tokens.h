// What followed the latest tokens before, and how steadily: a table like those by which processors predict branches
// (TAGE, Seznec and Michaud, 2006), of what prompt lookup decoding (Saxena, 2023) looks for in the text itself.
//
// A context is the last 2, 4 or 8 tokens. Its place in the table follows from its hash; a context that comes to the
// place of another takes it once the other has lost its steadiness. So the size is bounded, and each step costs a few
// looks. A wrong guess costs time alone: nothing is compared with the text.
//
// Not thread-safe. Knows no llama.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace medinfer {

class NextTokens {
 public:
  // Lengths of contexts, from the longest on.
  static constexpr std::array<std::size_t, 3> kOrders{8, 4, 2};
  static constexpr std::uint8_t kSteadiest = 7;

  // By order: nothing where there are fewer tokens.
  using Contexts = std::array<std::optional<std::uint64_t>, kOrders.size()>;
  // Of what comes behind these tokens.
  static Contexts ContextsOf(std::span<const std::int32_t> tokens);

  struct Guess {
    std::int32_t token = -1;
    std::uint8_t steady = 0;  // how often it has been right since it was first seen, less where it was wrong
  };

  // `places`: a power of two.
  explicit NextTokens(std::size_t places) : entries_(places) {}

  // The token has followed.
  void Learn(const Contexts& contexts, std::int32_t token);
  // Nothing: the context of that order is not known.
  std::optional<Guess> Find(const Contexts& contexts, std::size_t order) const;

 private:
  struct Entry {
    std::uint32_t tag = 0;    // of the hash what is not the place
    std::int32_t token = -1;  // -1: the place is free
    std::uint8_t steady = 0;
  };

  std::size_t PlaceOf(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & (entries_.size() - 1); }

  std::vector<Entry> entries_;
};

}  // namespace medinfer
