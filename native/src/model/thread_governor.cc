#include "model/thread_governor.h"

#include <algorithm>

namespace medinfer {
namespace {

constexpr std::size_t kWindow = 8;      // steps at the best count that are remembered
constexpr std::size_t kTrialSteps = 3;  // steps of a trial
constexpr double kGain = 0.95;          // a trial wins below this share of the best cost: less is noise
constexpr double kHopeless = 1.5;       // a first trial step above this share ends the trial
constexpr double kDisturbed = 2.0;      // a step above this share of the usual cost suggests that the host got busy
constexpr double kShortestMs = 50;      // between trials
constexpr double kLongestMs = 2000;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ThreadGovernor::ThreadGovernor(std::uint32_t max_threads) : interval_ms_(kShortestMs) {
  for (std::uint32_t n = 1; n < max_threads; n *= 2) counts_.push_back(n);
  counts_.push_back(max_threads);
  best_index_ = counts_.size() - 1;
}

void ThreadGovernor::Restart(std::uint32_t threads) {
  std::size_t guess = 0;
  while (guess + 1 < counts_.size() && counts_[guess + 1] <= threads) ++guess;
  trial_ = false;
  best_costs_.clear();
  if (guess == best_index_) return;  // nothing speaks against what is known
  best_index_ = guess;
  try_fewer_next_ = false;
  since_trial_ms_ = 0;
  interval_ms_ = 0;  // a guess is to be tested at once
}

void ThreadGovernor::Report(std::uint32_t work, double ms) {
  if (counts_.size() == 1) return;
  // Costs are compared only between steps of about the same size.
  if (work > work_ + work_ / 4 || work < work_ - work_ / 4) {
    work_ = work;
    trial_ = false;
    best_costs_.clear();
  }
  if (trial_) {
    trial_costs_.push_back(ms);
    const bool hopeless = ms > kHopeless * Median(best_costs_);
    if (hopeless || trial_costs_.size() == kTrialSteps) EndTrial();
    return;
  }
  const bool disturbed = best_costs_.size() >= kTrialSteps && ms > kDisturbed * Median(best_costs_);
  best_costs_.push_back(ms);
  if (best_costs_.size() > kWindow) best_costs_.erase(best_costs_.begin());
  since_trial_ms_ += ms;
  if (disturbed) {
    interval_ms_ = kShortestMs;
    try_fewer_next_ = true;
  }
  if (best_costs_.size() >= kTrialSteps && since_trial_ms_ >= interval_ms_) BeginTrial();
}

void ThreadGovernor::BeginTrial() {
  const bool can_fewer = best_index_ > 0;
  const bool can_more = best_index_ + 1 < counts_.size();
  const bool fewer = can_fewer && (try_fewer_next_ || !can_more);
  trial_index_ = fewer ? best_index_ - 1 : best_index_ + 1;
  try_fewer_next_ = !fewer;
  trial_ = true;
  trial_costs_.clear();
}

void ThreadGovernor::EndTrial() {
  trial_ = false;
  since_trial_ms_ = 0;
  const bool won = trial_costs_.size() == kTrialSteps && Median(trial_costs_) < kGain * Median(best_costs_);
  if (won) {
    try_fewer_next_ = trial_index_ < best_index_;  // go on in the direction that helped
    best_index_ = trial_index_;
    best_costs_ = trial_costs_;
    interval_ms_ = kShortestMs;
  } else {
    interval_ms_ = std::clamp(interval_ms_ * 2, kShortestMs, kLongestMs);
  }
}

}  // namespace medinfer
