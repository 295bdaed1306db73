// Samplers of ours behind llama.cpp's sampler interface, so that they stand in one chain with its own.
#pragma once

#include <cstdint>
#include <memory>

struct llama_sampler;
struct llama_token_data_array;

namespace medinfer {

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const;
};
using SamplerPtr = std::unique_ptr<llama_sampler, SamplerDeleter>;

class OwnSampler {
 public:
  virtual ~OwnSampler() = default;

  virtual const char* name() const = 0;
  virtual void Apply(llama_token_data_array& candidates) = 0;
  // A token was drawn, or belongs to the prompt.
  virtual void Accept(std::int32_t /*token*/) {}
  // Back to the state after construction.
  virtual void Reset() {}
  virtual std::unique_ptr<OwnSampler> Clone() const = 0;
};

SamplerPtr Wrap(std::unique_ptr<OwnSampler> sampler);

}  // namespace medinfer
