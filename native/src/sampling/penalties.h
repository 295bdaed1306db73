// Repeat, frequency and presence penalties over the latest tokens (llama.cpp b3534). Each distinct token of the window
// is penalized once: a positive logit is divided by the repeat penalty, any other multiplied, because dividing would
// make it likelier; then count * frequency + presence is taken off. One token, the newline, can be exempt, which
// llama.cpp's own sampler does not know any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "sampling/own_sampler.h"

namespace medinfer {

class Penalties final : public OwnSampler {
 public:
  struct Params {
    float repeat = 1;          // REQUIRES > 0
    float frequency = 0;       //
    float presence = 0;        //
    std::size_t last_n = 0;    // tokens of the window
    std::int32_t exempt = -1;  // never penalized; -1: none

    bool active() const { return last_n > 0 && (repeat != 1 || frequency != 0 || presence != 0); }
  };

  explicit Penalties(const Params& params) : params_(params) {}

  const char* name() const override { return "penalties"; }
  void Apply(llama_token_data_array& candidates) override;
  // The same where every logit stands at its token's id: looks at the window's tokens only.
  void Apply(std::span<float> logits) const;
  void Accept(std::int32_t token) override;
  void Reset() override;
  std::unique_ptr<OwnSampler> Clone() const override { return std::make_unique<Penalties>(*this); }

 private:
  float Penalized(float logit, std::uint32_t count) const;

  Params params_;
  std::deque<std::int32_t> window_;                        // oldest first
  std::unordered_map<std::int32_t, std::uint32_t> count_;  // of each token of the window, the exempt one left out
};

}  // namespace medinfer
