// What the samplers' tests share: distributions to try, and the ways to compare.
//
// Oracles are written in the tests themselves, from the definitions, in double precision. How outcomes are compared:
//   - candidates with equal logits: which of them a filter keeps is not defined, so kept candidates are compared by
//     their sorted probabilities, and nothing that was dropped may be likelier than what was kept;
//   - a sum or a quotient within kEdge of its threshold: llama.cpp computes in float, so the oracle's outcomes on both
//     sides of the edge are right.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "medinfer/inspect.h"

namespace medinfer::testing {

inline constexpr double kEdge = 1e-5;       // relative or absolute, as the oracle says
inline constexpr double kTolerance = 1e-5;  // of probabilities

struct Candidate {
  int id = 0;
  double logit = 0;
  double p = 0;
};
using Candidates = std::vector<Candidate>;

// One of: normal, peaked, flat, with many ties, two candidates, a wide range in which probabilities underflow.
std::vector<float> RandomLogits(std::mt19937& random);

// Everything off, temperature 1, the chain made of `samplers` alone.
InspectRequest Bare(std::vector<float> logits, std::vector<SamplerKind> samplers);

// All candidates, likeliest first, of equal ones the lower id; -infinity left out.
Candidates Sorted(const std::vector<float>& logits);
// Fills in `p`.
Candidates Softmax(Candidates candidates);

// The stage of that name; fails the test where there is none.
Candidates After(const Inspection& inspection, const std::string& stage);

bool SameOutcome(const Candidates& actual, const Candidates& expected);

// 1,000 distributions. `run` gets a request with random logits and minKeep (0 in every other round), sets what it tests
// and returns the oracle: the outcome at a threshold moved by `edge`, which is -kEdge, 0 or kEdge. Outcomes that only
// an edge explains are rare, or the test fails.
using Oracle = std::function<Candidates(double edge)>;
void CompareWithOracle(const std::vector<SamplerKind>& samplers, const std::string& stage,
                       const std::function<Oracle(InspectRequest&, std::mt19937&)>& run);

double Uniform(std::mt19937& random, double low, double high);
int Pick(std::mt19937& random, int low, int high);

}  // namespace medinfer::testing
