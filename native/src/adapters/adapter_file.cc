#include "adapters/adapter_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/excerpt.h"
#include "gguf.h"
#include "llama-model.h"
#include "model/gguf_header.h"
#include "model/gguf_values.h"

namespace medinfer {
namespace {

constexpr const char* kAgain = "download it again";
constexpr const char* kOtherModel = "it was made for another model";
constexpr const char* kMerge = "merge it into its model, and convert that to GGUF";
constexpr double kMostAlpha = 1e6;  // far beyond any adapter, far below what overflows

// What is wrong, and what to do about it.
struct Fault {
  std::string why;
  std::string advice;
};
using Found = std::optional<Fault>;

std::string Sizes(const std::int64_t* shape) {
  return std::to_string(shape[0]) + " x " + std::to_string(shape[1]) + " x " + std::to_string(shape[2]);
}

std::string Named(const std::string& tensor) { return "its tensor " + Excerpt(tensor, 64); }

Found FindOtherFile(const GgufValues& values, const std::string& architecture) {
  const std::string own = values.Text("general.architecture");
  if (own == "controlvector") {
    return Fault{"it is a control vector, which medinfer does not apply", "name a LoRA adapter"};
  }
  if (values.Text("general.type") != "adapter") {
    return Fault{"general.type is " + values.Show("general.type") + ", and has to be \"adapter\"",
                 "convert the adapter with llama.cpp's convert_lora_to_gguf.py"};
  }
  if (values.Text("adapter.type") != "lora") {
    return Fault{"adapter.type is " + values.Show("adapter.type") + ", and has to be \"lora\"", "name a LoRA adapter"};
  }
  if (own != architecture) {
    return Fault{"general.architecture is " + values.Show("general.architecture") + ", and the model's is \"" +
                     Shown(architecture) + '"',
                 kOtherModel};
  }
  return {};
}

Found FindBadValue(const gguf_context* gguf, const GgufValues& values) {
  const std::string alpha = "adapter.lora.alpha";
  const std::int64_t id = gguf_find_key(gguf, alpha.c_str());
  const bool is_number = id < 0 || gguf_get_kv_type(gguf, id) == GGUF_TYPE_FLOAT32;
  const double number = values.Number(alpha).value_or(0);
  if (!is_number || !std::isfinite(number) || std::abs(number) > kMostAlpha) {
    return Fault{alpha + " is " + values.Show(alpha) + ", and has to be a number of 32 bits of at most 1000000",
                 kAgain};
  }
  if (values.Has("adapter.alora.invocation_tokens")) {
    return Fault{"it is an activated LoRA (adapter.alora.invocation_tokens), which begins in the middle of a prompt",
                 "use one that holds from the beginning"};
  }
  return {};
}

bool MayHaveType(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || type == GGML_TYPE_Q8_0;
}

// The weight that a tensor's name says it adds to; empty: none.
std::string WeightOf(const std::string& name, std::string_view half) {
  return name.ends_with(half) ? name.substr(0, name.size() - half.size()) : std::string();
}

Found FindBadWeight(const Model& model, const std::string& weight, const ggml_tensor* of_model) {
  if (weight.starts_with("v.") || weight.starts_with("mm.") || weight.starts_with("a.")) {
    return Fault{Named(weight) + " is one of a projector, and only the text model takes adapters", kMerge};
  }
  if (of_model == nullptr) return Fault{"the model has no tensor " + Excerpt(weight, 64), kOtherModel};
  if (of_model->type == GGML_TYPE_NVFP4) {
    return Fault{"the model's " + Excerpt(weight, 64) + " is of the type nvfp4, which takes no adapter",
                 "choose another quantisation of the model"};
  }
  const ggml_tensor* output = model.get()->output;
  if (output != nullptr && output->name == weight && weight == "token_embd.weight") {
    return Fault{Named(weight) + " would change the model's output with its embeddings, which share it", kMerge};
  }
  return {};
}

Found FindBadShape(const AdapterPair& pair, const ggml_tensor& weight) {
  const std::int64_t* of_a = pair.a.shape.data();
  const std::int64_t* of_b = pair.b.shape.data();
  const bool embeds = pair.weight.ends_with("token_embd.weight");
  const std::int64_t inputs = embeds ? of_b[1] : of_a[0];
  const std::int64_t outputs = embeds ? of_a[1] : of_b[1];
  const std::int64_t rank = embeds ? of_a[0] : of_a[1];
  const bool fits = inputs == weight.ne[0] && outputs == weight.ne[1] && of_a[2] == weight.ne[2] &&
                    of_b[2] == weight.ne[2] && weight.ne[3] == 1;
  if (fits && rank == of_b[0] && rank > 0) return {};
  return Fault{"its halves for " + Excerpt(pair.weight, 64) + " are " + Sizes(of_a) + " and " + Sizes(of_b) +
                   ", which do not make one of " + Sizes(weight.ne),
               kOtherModel};
}

class Reader {
 public:
  Reader(const gguf_context* gguf, std::uint64_t file_size) : gguf_(gguf), file_size_(file_size) {}

  Found Read(std::int64_t i, std::map<std::string, AdapterPair>& pairs) const {
    AdapterTensor tensor;
    tensor.name = gguf_get_tensor_name(gguf_, i);
    tensor.type = gguf_get_tensor_type(gguf_, i);
    const std::int64_t* shape = gguf_get_tensor_ne(gguf_, i);
    tensor.shape.assign(shape, shape + 3);
    tensor.offset = gguf_get_data_offset(gguf_) + gguf_get_tensor_offset(gguf_, i);
    tensor.bytes = gguf_get_tensor_size(gguf_, i);
    const std::string of_a = WeightOf(tensor.name, ".lora_a");
    const std::string of_b = WeightOf(tensor.name, ".lora_b");
    if (of_a.empty() && of_b.empty()) {
      return Fault{Named(tensor.name) + " is neither a .lora_a nor a .lora_b: it would take the place of a weight",
                   kMerge};
    }
    if (!MayHaveType(tensor.type)) {
      return Fault{Named(tensor.name) + " is of the type " + ggml_type_name(tensor.type), "use f32, f16, bf16 or q8_0"};
    }
    if (shape[3] != 1 || std::any_of(shape, shape + 3, [](std::int64_t size) { return size < 1; })) {
      return Fault{Named(tensor.name) + " has no size that a weight can have", kAgain};
    }
    if (tensor.offset > file_size_ || tensor.bytes > file_size_ - tensor.offset) {
      return Fault{"the file is truncated: " + Named(tensor.name) + " ends behind it", kAgain};
    }
    const std::string& weight = of_a.empty() ? of_b : of_a;
    AdapterPair& pair = pairs[weight];
    pair.weight = weight;
    (of_a.empty() ? pair.b : pair.a) = std::move(tensor);
    return {};
  }

 private:
  const gguf_context* gguf_;
  const std::uint64_t file_size_;
};

Found FindBadPair(const Model& model, const AdapterPair& pair) {
  const ggml_tensor* weight = model.get()->get_tensor(pair.weight.c_str());
  if (Found found = FindBadWeight(model, pair.weight, weight)) return found;
  if (pair.a.name.empty() || pair.b.name.empty()) {
    return Fault{"it has no " + Excerpt(pair.weight, 64) + (pair.a.name.empty() ? ".lora_a" : ".lora_b") +
                     ", the other half of what it adds there",
                 kAgain};
  }
  return FindBadShape(pair, *weight);
}

}  // namespace

Status BadAdapter(const std::string& path, const std::string& why, const std::string& advice) {
  return {Code::kBadLora, "the adapter " + ExcerptPath(path) + " cannot be used: " + why + "; " + advice};
}

Result<AdapterFile> InspectAdapterFile(const std::string& path, const Model& model) {
  if (Status status = CheckGgufFile(path, "the adapter", Code::kModelNotFound, Code::kBadLora); !status.ok()) {
    return status;
  }
  const auto bad = [&](const Fault& fault) { return BadAdapter(path, fault.why, fault.advice); };
  const GgufPtr gguf = ReadGgufHeader(path);
  if (gguf == nullptr) return bad({"its header is damaged or cut off", kAgain});
  const GgufValues values(gguf.get());
  if (const Found found = FindOtherFile(values, model.Metadata("general.architecture"))) return bad(*found);
  if (const Found found = FindBadValue(gguf.get(), values)) return bad(*found);

  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  const Reader reader(gguf.get(), error ? 0 : size);
  std::map<std::string, AdapterPair> pairs;
  for (std::int64_t i = 0; i < gguf_get_n_tensors(gguf.get()); ++i) {
    if (const Found found = reader.Read(i, pairs)) return bad(*found);
  }
  if (pairs.empty()) return bad({"it has no tensors, so it adds nothing", kAgain});

  AdapterFile file;
  file.info.name = Shown(values.Text("general.name"));
  file.info.architecture = values.Text("general.architecture");
  file.info.task = Shown(values.Text("adapter.lora.task_name"));
  file.info.prompt_prefix = values.Text("adapter.lora.prompt_prefix");
  file.info.alpha = static_cast<float>(values.Number("adapter.lora.alpha").value_or(0));
  file.info.weights = static_cast<std::uint32_t>(pairs.size());
  for (auto& [weight, pair] : pairs) {
    if (const Found found = FindBadPair(model, pair)) return bad(*found);
    file.info.rank = std::max(file.info.rank, static_cast<std::uint32_t>(pair.b.shape[0]));
    file.info.bytes += pair.a.bytes + pair.b.bytes;
    file.pairs.push_back(std::move(pair));
  }
  return file;
}

}  // namespace medinfer
