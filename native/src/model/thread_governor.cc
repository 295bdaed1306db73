#include "model/thread_governor.h"

#include <algorithm>
#include <numeric>

namespace medinfer {
namespace {

constexpr std::size_t kWindow = 32;     // steps at the best count that are remembered
constexpr std::size_t kTrialSteps = 3;  // a trial has at least these many steps,
constexpr double kTrialMs = 8;          // and lasts at least this long: a scheduler's time slice must show in it
constexpr double kGain = 0.95;          // a trial wins below this share of the best cost: less is noise
constexpr double kDisturbed = 2.0;      // a step above this share of the usual cost suggests that the host got busy
// Share of the time that lost trials may cost. Fewer threads are worth a trial when a step is disturbed, which is seen;
// that more would help again is seen by trying only.
constexpr double kOverheadOfFewer = 0.005;
constexpr double kOverheadOfMore = 0.02;
constexpr double kShortestMs = 50;   // between trials
constexpr double kLongestMs = 2000;  // between trials that cost nothing

// Means, not medians: a thread that loses its core now and then makes most steps fast and a few very slow.
double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

ThreadGovernor::ThreadGovernor(std::uint32_t max_threads) : interval_ms_(kShortestMs) {
  for (std::uint32_t n = 1; n < max_threads; n *= 2) counts_.push_back(n);
  counts_.push_back(max_threads);
  best_index_ = counts_.size() - 1;
}

void ThreadGovernor::Resume() {
  if (best_index_ + 1 == counts_.size()) return;
  trial_ = false;
  best_costs_.clear();
  try_fewer_next_ = false;
  since_trial_ms_ = 0;
  interval_ms_ = 0;
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
    if (TrialIsOver()) EndTrial();
    return;
  }
  const bool disturbed = best_costs_.size() >= kTrialSteps && ms > kDisturbed * Mean(best_costs_);
  best_costs_.push_back(ms);
  if (best_costs_.size() > kWindow) best_costs_.erase(best_costs_.begin());
  since_trial_ms_ += ms;
  if (disturbed) {
    interval_ms_ = std::min(interval_ms_, kShortestMs);
    try_fewer_next_ = true;
  }
  const std::size_t enough = interval_ms_ == 0 ? 1 : kTrialSteps;
  if (best_costs_.size() >= enough && since_trial_ms_ >= interval_ms_) BeginTrial();
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

// What the trial's steps took beyond the same number of steps at the best count.
double ThreadGovernor::TrialLossMs() const {
  return (Mean(trial_costs_) - Mean(best_costs_)) * static_cast<double>(trial_costs_.size());
}

bool ThreadGovernor::TrialIsOver() const {
  const double usual = Mean(best_costs_);
  if (TrialLossMs() > std::max(usual / 2, kTrialMs / 2)) return true;  // lost already
  const double spent = Mean(trial_costs_) * static_cast<double>(trial_costs_.size());
  return trial_costs_.size() >= kTrialSteps && spent >= kTrialMs;
}

void ThreadGovernor::EndTrial() {
  trial_ = false;
  since_trial_ms_ = 0;
  const double loss = TrialLossMs();
  const double overhead = trial_index_ < best_index_ ? kOverheadOfFewer : kOverheadOfMore;
  if (Mean(trial_costs_) < kGain * Mean(best_costs_)) {
    try_fewer_next_ = trial_index_ < best_index_;  // go on in the direction that helped
    best_index_ = trial_index_;
    best_costs_ = trial_costs_;
    interval_ms_ = kShortestMs;
  } else {
    interval_ms_ = std::max(std::clamp(interval_ms_ * 2, kShortestMs, kLongestMs), loss / overhead);
  }
}

}  // namespace medinfer
