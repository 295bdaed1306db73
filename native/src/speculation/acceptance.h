// How often what is proposed is what comes: for each kind of guess the chance that a token is drawn where all that were
// proposed before it were. Plain arithmetic; not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "speculation/next_tokens.h"

namespace medinfer {

// By what a guess rests on.
class GuessKind {
 public:
  // The constraint leaves this text alone, and it was never seen how the model writes it.
  static GuessKind Forced() { return GuessKind(kForced); }
  // A context of this order, which has been so steady.
  static GuessKind Seen(std::size_t order, std::uint8_t steady) {
    return GuessKind(order * kSteadiness + (steady == 0 ? 0 : steady < kSure ? 1 : 2));
  }

  // A draft model gives it this chance.
  static GuessKind Modelled(float chance) {
    return GuessKind(kForced + 1 + (chance < 0.4F ? 0 : chance < 0.7F ? 1 : chance < 0.9F ? 2 : 3));
  }

  std::size_t index() const { return index_; }

  static constexpr std::size_t kSteadiness = 3;  // seen once, a few times alike, mostly alike
  static constexpr std::uint8_t kSure = 4;
  static constexpr std::size_t kForced = NextTokens::kOrders.size() * kSteadiness;
  static constexpr std::size_t kCount = kForced + 5;

 private:
  explicit GuessKind(std::size_t index) : index_(index) {}

  std::size_t index_;
};

class Acceptance {
 public:
  // Of a token of that kind, above 0 and below 1.
  double Of(GuessKind kind) const;
  // Of a draft of these kinds the first `accepted` tokens were drawn. What was reported before weighs less from then
  // on.
  void Report(std::span<const GuessKind> draft, std::size_t accepted);
  // Says the same, and is as sure of it as after a few tokens: what a new text begins with.
  Acceptance Prior() const;

 private:
  struct Counts {
    double accepted = 0;
    double refused = 0;
  };

  // As sure as after a few tokens: longer contexts and steadier ones are right more often. Measured values soon take
  // the place of these.
  std::array<Counts, GuessKind::kCount> counts_{{{3.0, 1.0},
                                                 {3.4, 0.6},
                                                 {3.8, 0.2},
                                                 {2.4, 1.6},
                                                 {3.2, 0.8},
                                                 {3.7, 0.3},
                                                 {1.6, 2.4},
                                                 {2.8, 1.2},
                                                 {3.6, 0.4},
                                                 {3.4, 0.6},
                                                 {1.2, 2.8},
                                                 {2.2, 1.8},
                                                 {3.2, 0.8},
                                                 {3.8, 0.2}}};
};

}  // namespace medinfer
