// LoRA adapters: small additions to a model's weights, which each request chooses for itself.
#pragma once

#include <cstdint>
#include <string>

#include "medinfer/ids.h"

namespace medinfer {

// Given out by Engine::LoadAdapter, as the id of that request.
using AdapterId = RequestId;

// What a request takes of an adapter.
struct AdapterUse {
  AdapterId adapter = 0;
  float scale = 1;  // multiplies all that it adds; finite
};

// Facts of an adapter's file.
struct AdapterInfo {
  std::string name;           // general.name; empty: it says none
  std::string architecture;   // of the model that it was trained for
  std::string task;           // adapter.lora.task_name; empty: it says none
  std::string prompt_prefix;  // adapter.lora.prompt_prefix; empty: it says none
  float alpha = 0;            // 0: what it adds is not divided by its rank
  std::uint32_t rank = 0;     // the largest of its weights
  std::uint32_t weights = 0;  // of the model's weights, those that it adds to
  std::uint64_t bytes = 0;    // that it takes, beside the model's own weights
  std::string digest;         // SHA-256 of all that it adds, in hex: equal ones compute alike
};

}  // namespace medinfer
