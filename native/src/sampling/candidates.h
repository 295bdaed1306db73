// Arithmetic on candidates: what the chain begins with, and what our own samplers share.
//
// A candidate whose logit is -infinity or NaN is impossible. None enters a chain: llama.cpp sorts by logit, which NaN
// would lead out of the array, and a probability of zero has no logarithm.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llama.h"

namespace medinfer {

// All possible candidates, by token id.
void AllCandidates(std::span<const float> logits, std::vector<llama_token_data>& out);

// The `k` likeliest possible candidates, likeliest first; of equal ones, the lower id. One pass that looks closer only
// where a block of logits holds something large; no candidate is made of the rest.
void SelectTop(std::span<const float> logits, std::size_t k, std::vector<llama_token_data>& out);

void DropImpossible(llama_token_data_array& candidates);

// Likeliest first; of equal ones, the lower id. Does nothing where they are sorted.
void SortByLogit(llama_token_data_array& candidates);

// Writes each candidate's probability into its `p`, and into `p`, where it is exact enough for sums over a vocabulary.
// REQUIRES: at least one possible candidate.
void Softmax(llama_token_data_array& candidates, std::vector<double>& p);

}  // namespace medinfer
