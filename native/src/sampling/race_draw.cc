#include "sampling/race_draw.h"

#include <cmath>
#include <limits>

#include "llama.h"

namespace medinfer {
namespace {

constexpr double kMostNoise = 37;  // of 53 random bits: -log(-log(1 - 2^-54)) < 37.5

// splitmix64: every bit of the state reaches every bit of the result.
std::uint64_t Mix(std::uint64_t state) {
  state += 0x9E3779B97F4A7C15ULL;
  state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  state = (state ^ (state >> 27U)) * 0x94D049BB133111EBULL;
  return state ^ (state >> 31U);
}

double Gumbel(std::uint64_t bits) {
  const double uniform = (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53;  // never 0 or 1
  return -std::log(-std::log(uniform));
}

}  // namespace

void RaceDraw::Apply(llama_token_data_array& candidates) {
  const std::uint64_t state = Mix(Mix(seed_) ^ step_);
  double best = -std::numeric_limits<double>::infinity();
  llama_token winner = 0;
  candidates.selected = 0;
  for (std::size_t i = 0; i < candidates.size; ++i) {
    const llama_token_data& candidate = candidates.data[i];
    if (candidate.logit + kMostNoise + 1 < best) continue;  // cannot win
    const double value = candidate.logit + Gumbel(Mix(state ^ static_cast<std::uint64_t>(candidate.id)));
    if (value < best || (value == best && candidate.id >= winner)) continue;
    best = value;
    winner = candidate.id;
    candidates.selected = static_cast<std::int64_t>(i);
  }
}

}  // namespace medinfer
