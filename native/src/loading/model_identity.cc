#include "loading/model_identity.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

constexpr std::uint64_t kHead = 1U << 20U;  // bytes: a GGUF file begins with its metadata
constexpr std::uint64_t kSample = 4096;     // bytes
constexpr std::uint64_t kSamples = 64;      // spread over the file, so over all its tensors

class Hash {
 public:
  Hash() { sha256_init(&state_); }

  // With its length, so that no two sequences of texts look alike.
  void Add(std::string_view bytes) {
    Add(bytes.size());
    sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  void Add(std::uint64_t number) {
    sha256_update(&state_, reinterpret_cast<const unsigned char*>(&number), sizeof(number));
  }

  // What distinguishes a file, without reading all of it.
  void AddFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = file ? static_cast<std::uint64_t>(file.tellg()) : 0;
    Add(size);
    AddPart(file, 0, std::min(size, kHead));
    for (std::uint64_t i = 1; i <= kSamples && size > kSample; ++i)
      AddPart(file, (size - kSample) / kSamples * i, kSample);
  }

  ModelIdentity Final() {
    ModelIdentity digest{};
    sha256_final(&state_, digest.data());
    return digest;
  }

 private:
  void AddPart(std::ifstream& file, std::uint64_t begin, std::uint64_t length) {
    std::string bytes(length, '\0');
    file.seekg(static_cast<std::streamoff>(begin));
    file.read(bytes.data(), static_cast<std::streamsize>(length));
    Add(bytes);
  }

  sha256_t state_{};
};

std::string MetadataText(const llama_model* model, std::int32_t i,
                         std::int32_t (*get)(const llama_model*, std::int32_t, char*, std::size_t)) {
  std::array<char, 512> text{};
  return get(model, i, text.data(), text.size()) < 0 ? std::string() : std::string(text.data());
}

}  // namespace

ModelIdentity IdentifyModel(const Model& model, const LoadOptions& options, bool heads) {
  Hash hash;
  const std::int32_t count = llama_model_meta_count(model.get());
  std::vector<std::string> metadata;
  for (std::int32_t i = 0; i < count; ++i) {
    metadata.push_back(MetadataText(model.get(), i, llama_model_meta_key_by_index) + "=" +
                       MetadataText(model.get(), i, llama_model_meta_val_str_by_index));
  }
  std::sort(metadata.begin(), metadata.end());  // llama.cpp keeps them in no order
  for (const std::string& each : metadata) hash.Add(each);
  hash.Add(llama_model_n_params(model.get()));
  const std::int32_t n_vocab = llama_vocab_n_tokens(model.vocab());
  hash.Add(static_cast<std::uint64_t>(n_vocab));
  for (std::int32_t token = 0; token < n_vocab; ++token) hash.Add(llama_vocab_get_text(model.vocab(), token));
  hash.AddFile(options.model_path);
  hash.Add(static_cast<std::uint64_t>(options.kv_type));
  if (!options.mmproj_path.empty()) hash.AddFile(options.mmproj_path);
  if (heads) hash.Add("heads");  // their keys and values are saved, too
  return hash.Final();
}

}  // namespace medinfer
