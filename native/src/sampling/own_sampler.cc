#include "sampling/own_sampler.h"

#include "llama.h"

namespace medinfer {
namespace {

OwnSampler& Of(const llama_sampler* sampler) { return *static_cast<OwnSampler*>(sampler->ctx); }

llama_sampler_i* Interface() {
  static llama_sampler_i interface = [] {
    llama_sampler_i i{};
    i.name = [](const llama_sampler* s) { return Of(s).name(); };
    i.accept = [](llama_sampler* s, llama_token token) { Of(s).Accept(token); };
    i.apply = [](llama_sampler* s, llama_token_data_array* candidates) { Of(s).Apply(*candidates); };
    i.reset = [](llama_sampler* s) { Of(s).Reset(); };
    i.clone = [](const llama_sampler* s) { return Wrap(Of(s).Clone()).release(); };
    i.free = [](llama_sampler* s) { delete &Of(s); };
    return i;
  }();
  return &interface;
}

}  // namespace

void SamplerDeleter::operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }

SamplerPtr Wrap(std::unique_ptr<OwnSampler> sampler) {
  return SamplerPtr(llama_sampler_init(Interface(), sampler.release()));
}

}  // namespace medinfer
