// What a token more costs a forward pass: a line through the times of the latest passes over their numbers of tokens.
// A pass reads the weights whatever it computes, so a token beside others costs less than one by itself, until the
// arithmetic fills the machine. How much less hangs on model, machine and batch: it is measured.
//
// Knows no clock: the caller reports. Not thread-safe.
#pragma once

#include <cstdint>

namespace medinfer {

class PassCost {
 public:
  // `per_token`: what PerToken() is whatever was reported; 0: it is measured.
  explicit PassCost(double per_token = 0) : given_(per_token) {}

  // A pass with so many tokens took `ms`, with the draws behind it.
  void Report(std::uint32_t tokens, double ms);

  // What a token more costs, in units of what a pass costs without any.  REQUIRES: known().
  double PerToken() const;
  // What a pass without any would take, in ms. REQUIRES: known().
  double BaseMs() const;
  bool known() const { return weight_ > 0; }

 private:
  double given_;
  // Sums over the passes, the older the lighter; times of passes that took far longer than expected are cut.
  double weight_ = 0;
  double tokens_ = 0;
  double ms_ = 0;
  double tokens_tokens_ = 0;
  double tokens_ms_ = 0;
};

}  // namespace medinfer
