#include "model/model.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "base/excerpt.h"
#include "base/log_capture.h"
#include "device/assertion_guard.h"
#include "llama-model.h"
#include "llama.h"
#include "model/model_file.h"
#include "model/prediction_heads.h"
#include "text/detokenizer.h"

namespace medinfer {
namespace {

// Texts that llama.cpp takes for ends of generation wherever a vocabulary has them (llama-vocab.cpp), and that a
// vocabulary can have as markup or as words.
constexpr std::array<std::string_view, 6> kEndLookingTexts = {"</s>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<eos>"};

llama_split_mode ToLlama(SplitMode mode) {
  switch (mode) {
    case SplitMode::kNone:
      return LLAMA_SPLIT_MODE_NONE;
    case SplitMode::kLayer:
      return LLAMA_SPLIT_MODE_LAYER;
    case SplitMode::kRow:
      return LLAMA_SPLIT_MODE_ROW;
    case SplitMode::kTensor:
      return LLAMA_SPLIT_MODE_TENSOR;
  }
  return LLAMA_SPLIT_MODE_LAYER;
}

struct LoadProgress {
  const ProgressFn& report;
  bool aborted = false;
};

bool OnProgress(float fraction, void* user_data) {
  auto* progress = static_cast<LoadProgress*>(user_data);
  progress->aborted = progress->aborted || !progress->report(fraction);
  return !progress->aborted;
}

std::string TokenText(const llama_vocab* vocab, llama_token token) {
  return token == LLAMA_TOKEN_NULL ? std::string() : TokenPiece(vocab, token, /*special=*/true);
}

}  // namespace

Status CheckGgufFile(const std::string& path, const char* what, Code not_found, Code damaged) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  const std::string subject = std::string(what) + " " + ExcerptPath(path);
  if (!fs::exists(status)) return {not_found, subject + " does not exist: check the path"};
  if (!fs::is_regular_file(status)) return {not_found, subject + " is not a file: name the .gguf file itself"};
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return {not_found, subject + " cannot be read: " + std::strerror(errno)};
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  if (file.gcount() == 0) return {damaged, subject + " is empty: download it again"};
  if (file.gcount() != static_cast<std::streamsize>(magic.size()) || std::memcmp(magic.data(), "GGUF", 4) != 0) {
    return {damaged, subject + " is not a GGUF file: convert the model to GGUF, or download it again"};
  }
  return {};
}

Status DamagedModel(const std::string& what) {
  constexpr std::size_t kMost = 300;  // bytes; it may quote the file
  return {Code::kBadGguf,
          "the model cannot be used (" + what.substr(0, kMost) + "): download it again, or choose another"};
}

void Model::Deleter::operator()(llama_model* model) const { llama_model_free(model); }

Model::Model(llama_model* model) : model_(model), vocab_(llama_model_get_vocab(model)), tokenizer_(vocab_) {}

Result<std::unique_ptr<Model>> Model::Load(const LoadOptions& options, const Placement& placement,
                                           const ProgressFn& progress) {
  return Read(options, placement, progress, /*outline=*/false);
}

Result<std::unique_ptr<Model>> Model::Outline(const LoadOptions& options, const Placement& placement) {
  return Read(options, placement, [](float) { return true; }, /*outline=*/true);
}

Result<std::unique_ptr<Model>> Model::Read(const LoadOptions& options, const Placement& placement,
                                           const ProgressFn& report, bool outline) {
  if (Status status = CheckModelFile(options.model_path); !status.ok()) return status;
  LoadProgress progress{report};
  llama_model_params params = llama_model_default_params();
  // Always named: without a list llama.cpp takes every device that any engine of this process has loaded.
  std::vector<ggml_backend_dev_t> devices(placement.devices);
  devices.push_back(nullptr);
  params.devices = devices.data();
  params.n_gpu_layers = placement.devices.empty() ? 0 : placement.n_gpu_layers;
  params.split_mode = placement.devices.empty() ? LLAMA_SPLIT_MODE_LAYER : ToLlama(options.split_mode);
  params.main_gpu = params.split_mode == LLAMA_SPLIT_MODE_NONE ? 0 : static_cast<std::int32_t>(options.main_gpu);
  params.load_mtp = LoadsHeads(options);
  if (outline) {
    params.no_alloc = true;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
  }
  params.progress_callback = OnProgress;
  params.progress_callback_user_data = &progress;
  std::vector<float> tensor_split(options.tensor_split);
  if (!tensor_split.empty()) {
    tensor_split.resize(llama_max_devices());  // llama.cpp reads one share per possible device
    params.tensor_split = tensor_split.data();
  }
  const LogCapture log;
  llama_model* model = nullptr;
  const std::optional<std::string> assertion =
      Attempt([&] { model = llama_model_load_from_file(options.model_path.c_str(), params); });
  if (model == nullptr) {
    if (progress.aborted) return Status(Code::kAborted, "the load was aborted");
    if (log.SaysOutOfMemory()) {
      return Status(Code::kOutOfMemory, "the model's weights do not fit (" + log.errors() +
                                            "): lower nGpuLayers, or choose a smaller quantisation");
    }
    if (log.SaysNoTensorSplit()) {
      return Status(Code::kInvalidArgument,
                    "splitMode \"tensor\" is not there for this model's architecture: use \"layer\"");
    }
    return Status(Code::kBadGguf, "the model " + ExcerptPath(options.model_path) + " cannot be loaded (" +
                                      assertion.value_or(log.errors()) +
                                      "): download it again, or check that it is a text model that llama.cpp supports");
  }
  std::unique_ptr<Model> loaded(new Model(model));
  if (llama_vocab_n_tokens(loaded->vocab_) <= 0 || llama_vocab_type(loaded->vocab_) == LLAMA_VOCAB_TYPE_NONE) {
    return Status(Code::kBadGguf,
                  "the model " + ExcerptPath(options.model_path) + " has no vocabulary: it is not a text model");
  }
  if (!llama_model_has_decoder(model) || llama_model_has_encoder(model)) {
    return Status(Code::kBadGguf, "the model " + ExcerptPath(options.model_path) +
                                      " is not decoder-only: medinfer runs decoder-only text models");
  }
  if (llama_model_is_diffusion(model)) {
    return Status(Code::kBadGguf, "the model " + options.model_path +
                                      " is a diffusion model: medinfer runs models that write one token after another");
  }
  return loaded;
}

std::string Model::Metadata(const char* key) const {
  std::array<char, 512> value{};
  const std::int32_t n = llama_model_meta_val_str(model_.get(), key, value.data(), value.size());
  return n < 0 ? std::string() : std::string(value.data());
}

std::vector<EndToken> Model::EndTokens() const {
  std::vector<EndToken> found;
  for (std::int32_t token = 0; token < llama_vocab_n_tokens(vocab_); ++token) {
    const bool ends = llama_vocab_is_eog(vocab_, token);
    const std::string_view text = llama_vocab_get_text(vocab_, token);
    if (ends || std::ranges::find(kEndLookingTexts, text) != kEndLookingTexts.end()) {
      found.push_back({token, std::string(text), ends});
    }
  }
  return found;
}

std::optional<InfillTokens> Model::Infill() const {
  const InfillTokens tokens{llama_vocab_fim_pre(vocab_), llama_vocab_fim_suf(vocab_), llama_vocab_fim_mid(vocab_)};
  const auto is_there = [this](llama_token token) { return token >= 0 && token < llama_vocab_n_tokens(vocab_); };
  if (!is_there(tokens.prefix) || !is_there(tokens.suffix) || !is_there(tokens.middle)) return std::nullopt;
  return tokens;
}

std::int64_t Model::n_head_kv() const { return llama_model_n_head_kv(model_.get()); }

// A file may name heads that it does not have: then llama.cpp leaves them out.
bool Model::has_heads() const {
  const auto first = static_cast<std::size_t>(model_->hparams.n_layer());
  return model_->hparams.n_layer_nextn > 0 && first < model_->layers.size() &&
         model_->layers[first].nextn.eh_proj != nullptr;
}

bool Model::has_output_on_device() const {
  return ggml_backend_dev_type(model_->dev_output()) != GGML_BACKEND_DEVICE_TYPE_CPU;
}

std::string Model::pair_template() const {
  const char* text = llama_model_chat_template(model_.get(), "rerank");
  return text == nullptr ? std::string() : std::string(text);
}

ModelInfo Model::Describe() const {
  ModelInfo info;
  std::array<char, 256> description{};
  llama_model_desc(model_.get(), description.data(), description.size());
  info.description = description.data();
  info.name = Metadata("general.name");
  const char* chat_template = llama_model_chat_template(model_.get(), nullptr);
  if (chat_template != nullptr) info.chat_template = chat_template;
  info.bos_token = TokenText(vocab_, llama_vocab_bos(vocab_));
  info.eos_token = TokenText(vocab_, llama_vocab_eos(vocab_));
  info.end_tokens = EndTokens();
  info.infill = Infill();
  info.parameters = llama_model_n_params(model_.get());
  info.bytes = llama_model_size(model_.get());
  info.n_vocab = static_cast<std::uint32_t>(llama_vocab_n_tokens(vocab_));
  info.n_embd = static_cast<std::uint32_t>(llama_model_n_embd(model_.get()));
  info.n_layer = static_cast<std::uint32_t>(llama_model_n_layer(model_.get()));
  info.n_ctx_train = static_cast<std::uint32_t>(llama_model_n_ctx_train(model_.get()));
  return info;
}

}  // namespace medinfer
