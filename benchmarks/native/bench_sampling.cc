// Microseconds per token of our sampling chain and of llama.cpp's own chain of the same samplers, in turns, over the same
// logits: bench_sampling N_VOCAB TEMPERATURE ROUNDS. Writes one JSON object.
//
// The seed's settings: top-k 40, top-p 0.95, min-p 0.05, repeat penalty 1.18 over 256 tokens. Both penalise the newline
// here: llama.cpp's own chain cannot spare it.
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "sampling/sampler_chain.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTokensPerRound = 32;
constexpr int kLogitSets = 16;  // beyond what a CPU's nearest cache holds, as the model leaves it

medinfer::SamplingParams SeedParams(float temperature) {
  medinfer::SamplingParams params;
  params.temperature = temperature;
  params.top_k = 40;
  params.top_p = 0.95F;
  params.min_p = 0.05F;
  params.repeat_penalty = 1.18F;
  params.repeat_last_n = 256;
  params.penalize_nl = true;
  params.seed = 42;
  return params;
}

std::unique_ptr<llama_sampler, medinfer::SamplerDeleter> LlamaChain(const medinfer::SamplingParams& p,
                                                                    std::int32_t n_vocab) {
  llama_sampler* chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
  llama_sampler_chain_add(chain, llama_sampler_init_penalties(n_vocab, p.repeat_last_n, p.repeat_penalty, 0, 0));
  llama_sampler_chain_add(chain, llama_sampler_init_top_k(p.top_k));
  llama_sampler_chain_add(chain, llama_sampler_init_top_p(p.top_p, 1));
  llama_sampler_chain_add(chain, llama_sampler_init_min_p(p.min_p, 1));
  llama_sampler_chain_add(chain, llama_sampler_init_temp(p.temperature));
  llama_sampler_chain_add(chain, llama_sampler_init_dist(p.seed));
  return std::unique_ptr<llama_sampler, medinfer::SamplerDeleter>(chain);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "bench_sampling N_VOCAB TEMPERATURE ROUNDS\n");
    return 2;
  }
  const auto n_vocab = static_cast<std::size_t>(std::atoi(argv[1]));
  const medinfer::SamplingParams params = SeedParams(static_cast<float>(std::atof(argv[2])));
  const int rounds = std::atoi(argv[3]);

  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  std::vector<std::vector<float>> logits(kLogitSets, std::vector<float>(n_vocab));
  for (auto& set : logits) {
    for (float& logit : set) logit = normal(random);
  }

  medinfer::SamplerTokens tokens;
  tokens.n_vocab = static_cast<std::int32_t>(n_vocab);
  tokens.context = 4096;
  medinfer::SamplerChain ours(params, tokens);
  const auto theirs = LlamaChain(params, static_cast<std::int32_t>(n_vocab));
  for (int i = 0; i < params.repeat_last_n; ++i) {
    const auto token = static_cast<std::int32_t>(random() % n_vocab);
    ours.AcceptPrompt(token);
    llama_sampler_accept(theirs.get(), token);
  }

  std::vector<float> work;
  std::vector<llama_token_data> candidates;
  std::vector<double> our_us;
  std::vector<double> their_us;
  std::int64_t drawn = 0;  // keeps the compiler from dropping the work
  for (int round = 0; round < rounds; ++round) {
    double us = 0;
    for (int i = 0; i < kTokensPerRound; ++i) {
      work = logits[static_cast<std::size_t>(i) % kLogitSets];  // not timed: the model writes them
      const auto begin = Clock::now();
      drawn += ours.Draw(work);
      us += std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    }
    our_us.push_back(us / kTokensPerRound);
    us = 0;
    for (int i = 0; i < kTokensPerRound; ++i) {
      work = logits[static_cast<std::size_t>(i) % kLogitSets];
      const auto begin = Clock::now();
      // As llama_sampler_sample does it.
      candidates.resize(n_vocab);
      for (std::size_t token = 0; token < n_vocab; ++token) {
        candidates[token] = {static_cast<llama_token>(token), work[token], 0.0F};
      }
      llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
      llama_sampler_apply(theirs.get(), &array);
      const std::int32_t token = array.data[array.selected].id;
      llama_sampler_accept(theirs.get(), token);
      drawn += token;
      us += std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    }
    their_us.push_back(us / kTokensPerRound);
  }
  std::printf("{\"oursUs\": %.2f, \"llamaUs\": %.2f, \"tokens\": %d}\n", Median(our_us), Median(their_us),
              rounds * kTokensPerRound);
  return drawn < 0 ? 1 : 0;
}
