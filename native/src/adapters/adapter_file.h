// What an adapter's file says about itself, and whether llama.cpp's graphs can be trusted with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ggml.h"
#include "medinfer/adapter.h"
#include "medinfer/status.h"
#include "model/model.h"

namespace medinfer {

// One half of what is added to a weight, as it lies in the file.
struct AdapterTensor {
  std::string name;
  ggml_type type = GGML_TYPE_F32;
  std::vector<std::int64_t> shape;  // three sizes
  std::uint64_t offset = 0;         // of the data, from the beginning of the file
  std::uint64_t bytes = 0;
};

// B·A is added to the weight. Of token embeddings A is read by rows, as the embeddings are.
struct AdapterPair {
  std::string weight;  // the model's
  AdapterTensor a;
  AdapterTensor b;
};

struct AdapterFile {
  AdapterInfo info;                // without its digest
  std::vector<AdapterPair> pairs;  // by name of the weight
};

// Fails with kModelNotFound or kBadLora, which names the key, or the tensor, and what is wrong with it. llama.cpp
// asserts on much of it, reads behind the end of experts that an adapter does not have, and passes over norms in
// silence.
Result<AdapterFile> InspectAdapterFile(const std::string& path, const Model& model);

// The error of an adapter that cannot be used.
Status BadAdapter(const std::string& path, const std::string& why, const std::string& advice);

}  // namespace medinfer
