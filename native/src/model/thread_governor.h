// Chooses how many CPU threads the next step uses. On a quiet host more threads are faster; where another process keeps
// cores busy, every barrier between graph nodes waits for a thread that does not run, and fewer threads win, often by
// several times. The governor learns which by trying: it keeps to the best count it knows and now and then spends a few
// steps on a neighbour.
//
// Knows neither llama.h nor a clock: the caller reports how long each step took, so that tests can replay hosts.
// Not thread-safe: belongs to the engine thread.
#pragma once

#include <cstdint>
#include <vector>

namespace medinfer {

class ThreadGovernor {
 public:
  // `max_threads`: the most worth trying, usually the number of cores. REQUIRES: >= 1
  explicit ThreadGovernor(std::uint32_t max_threads);

  // Work goes on after a pause, in which a busy host may have become quiet: more threads are tried after the next step.
  // That a quiet host has become busy, the next steps show.
  void Resume();

  // The count to use for the next step.
  std::uint32_t threads() const { return counts_[trial_ ? trial_index_ : best_index_]; }

  // Reports that a step of a given amount of work (its number of tokens) took `ms` with threads().
  void Report(std::uint32_t work, double ms);

 private:
  void BeginTrial();
  bool TrialIsOver() const;
  double TrialLossMs() const;
  void EndTrial();

  std::vector<std::uint32_t> counts_;  // ascending: 1, 2, 4, ..., max_threads
  std::size_t best_index_ = 0;
  std::size_t trial_index_ = 0;
  bool trial_ = false;
  bool try_fewer_next_ = true;
  std::uint32_t work_ = 0;           // the amount of work the costs below belong to
  std::vector<double> best_costs_;   // ms of the latest steps at the best count, oldest first
  std::vector<double> trial_costs_;  // ms of this trial's steps
  double since_trial_ms_ = 0;
  double interval_ms_;  // between trials; grows while trials change nothing
};

}  // namespace medinfer
