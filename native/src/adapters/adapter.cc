#include "adapters/adapter.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/adapter_file.h"
#include "base/excerpt.h"
#include "device/assertion_guard.h"
#include "device/registry.h"
#include "ggml-backend.h"
#include "ggml-cpp.h"
#include "llama-adapter.h"
#include "llama-model.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

// Passes multiply what an adapter makes of a token by 0 where the token's request does not have it. That is 0 as long
// as it is a number: no weight beyond this, whatever a model's activations are.
constexpr float kMostWeight = 1U << 20U;

constexpr std::size_t kPiece = 1U << 16U;  // numbers that are looked at together

std::vector<ggml_backend_buffer_type_t> RepackingTypes() {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  auto get = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"));
  std::vector<ggml_backend_buffer_type_t> types;
  for (ggml_backend_buffer_type_t* type = get == nullptr ? nullptr : get(cpu); type != nullptr && *type != nullptr;
       ++type) {
    types.push_back(*type);
  }
  return types;
}

// Where a weight's halves lie: with the weight, or on the CPU where that is stored in another order than its own.
ggml_backend_buffer_type_t BufferTypeOf(const ggml_tensor& weight,
                                        const std::vector<ggml_backend_buffer_type_t>& repacking) {
  ggml_backend_buffer_type_t type = ggml_backend_buffer_get_type(weight.buffer);
  return std::ranges::find(repacking, type) == repacking.end() ? type : ggml_backend_cpu_buffer_type();
}

ggml_tensor* AddTensor(ggml_context* context, const AdapterTensor& tensor) {
  ggml_tensor* added = ggml_new_tensor(context, tensor.type, 3, tensor.shape.data());
  ggml_set_name(added, tensor.name.c_str());
  return added;
}

// Makes room for all halves. Fails where a device has none.
Status Allocate(const AdapterFile& file, const Model& model, llama_adapter_lora& lora) {
  const auto repacking = RepackingTypes();
  std::map<ggml_backend_buffer_type_t, ggml_context*> contexts;
  for (const AdapterPair& pair : file.pairs) {
    ggml_backend_buffer_type_t type = BufferTypeOf(*model.get()->get_tensor(pair.weight.c_str()), repacking);
    ggml_context*& context = contexts[type];
    if (context == nullptr) {
      context = ggml_init({2 * file.pairs.size() * ggml_tensor_overhead(), nullptr, /*no_alloc=*/true});
      lora.ctxs.emplace_back(context);
    }
    lora.ab_map.emplace(pair.weight, llama_adapter_lora_weight(AddTensor(context, pair.a), AddTensor(context, pair.b)));
  }
  for (const auto& [type, context] : contexts) {
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type);
    if (buffer == nullptr) {
      return {Code::kOutOfMemory, "the adapter's weights do not fit: unload another, or use one of a lower rank"};
    }
    lora.bufs.emplace_back(buffer);
  }
  return {};
}

bool IsSound(ggml_type type, const std::vector<std::uint8_t>& bytes, std::size_t count) {
  const auto sound = [](float value) { return std::abs(value) <= kMostWeight; };  // false for NaN
  const auto* values = reinterpret_cast<const float*>(bytes.data());
  if (type == GGML_TYPE_F32) return std::all_of(values, values + count, sound);
  const ggml_type_traits* traits = ggml_get_type_traits(type);
  std::vector<float> piece(kPiece);
  for (std::size_t done = 0; done < count; done += kPiece) {
    const std::size_t n = std::min(kPiece, count - done);  // whole blocks: a piece is, and so is a row
    traits->to_float(bytes.data() + ggml_row_size(type, static_cast<std::int64_t>(done)), piece.data(),
                     static_cast<std::int64_t>(n));
    if (!std::all_of(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n), sound)) return false;
  }
  return true;
}

class Hash {
 public:
  Hash() { sha256_init(&state_); }

  void Add(const void* bytes, std::size_t count) {
    sha256_update(&state_, static_cast<const unsigned char*>(bytes), count);
  }
  // With its length, so that no two sequences of texts look alike.
  void Add(std::string_view text) {
    const std::uint64_t size = text.size();
    Add(&size, sizeof(size));
    Add(text.data(), text.size());
  }
  Adapter::Digest Final() {
    Adapter::Digest digest{};
    sha256_final(&state_, digest.data());
    return digest;
  }

 private:
  sha256_t state_{};
};

// From the file to its place. Fails with kBadLora.
Status ReadTensor(std::ifstream& file, const std::string& path, const AdapterTensor& tensor, ggml_tensor* place,
                  Hash& hash) {
  std::vector<std::uint8_t> bytes(tensor.bytes);
  file.seekg(static_cast<std::streamoff>(tensor.offset));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) return BadAdapter(path, "its tensor " + Excerpt(tensor.name, 64) + " cannot be read", "download it again");
  if (!IsSound(tensor.type, bytes, static_cast<std::size_t>(ggml_nelements(place)))) {
    return BadAdapter(path, "its tensor " + Excerpt(tensor.name, 64) + " holds numbers that no weight has",
                      "download it again");
  }
  hash.Add(tensor.name);
  hash.Add(&tensor.type, sizeof(tensor.type));
  hash.Add(tensor.shape.data(), tensor.shape.size() * sizeof(tensor.shape.front()));
  hash.Add(bytes.data(), bytes.size());
  ggml_backend_tensor_set(place, bytes.data(), 0, bytes.size());
  return {};
}

std::string InHex(const Adapter::Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace

Adapter::Adapter(std::string path, std::unique_ptr<llama_adapter_lora> lora)
    : path_(std::move(path)), lora_(std::move(lora)) {}

Adapter::~Adapter() = default;

Result<std::shared_ptr<const Adapter>> Adapter::Load(const std::string& path, const Model& model,
                                                     const std::function<bool()>& keep_going) {
  const std::shared_lock registry(RegistryMutex());
  std::shared_ptr<Adapter> adapter;
  Status failed;
  const auto load = [&]() -> Status {
    auto inspected = InspectAdapterFile(path, model);
    if (!inspected.ok()) return inspected.status();
    AdapterFile& file = inspected.value();
    auto lora = std::make_unique<llama_adapter_lora>(nullptr);
    lora->alpha = file.info.alpha;
    if (Status status = Allocate(file, model, *lora); !status.ok()) return status;
    std::ifstream stream(path, std::ios::binary);
    Hash hash;
    hash.Add(&lora->alpha, sizeof(lora->alpha));
    for (const AdapterPair& pair : file.pairs) {
      if (!keep_going()) return {Code::kAborted, "the load of the adapter was aborted"};
      const llama_adapter_lora_weight& place = lora->ab_map.at(pair.weight);
      if (Status status = ReadTensor(stream, path, pair.a, place.a, hash); !status.ok()) return status;
      if (Status status = ReadTensor(stream, path, pair.b, place.b, hash); !status.ok()) return status;
    }
    adapter.reset(new Adapter(path, std::move(lora)));
    adapter->info_ = std::move(file.info);
    adapter->digest_ = hash.Final();
    adapter->info_.digest = InHex(adapter->digest_);
    return {};
  };
  const std::optional<std::string> damage = Attempt([&] { failed = load(); });
  if (damage) return BadAdapter(path, Excerpt(*damage), "download it again");
  if (!failed.ok()) return failed;
  return std::shared_ptr<const Adapter>(std::move(adapter));
}

std::string Adapter::FindUnused() const {
  std::string unused;
  for (const auto& [weight, pair] : lora_->ab_map) {
    if (!pair.used && (unused.empty() || weight < unused)) unused = weight;
  }
  return unused;
}

}  // namespace medinfer
