#include "convert.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "fields.h"
#include "image_handle.h"

namespace medinfer {
namespace {

// In the order of the enumerators.
constexpr std::array kDevices = {"auto", "cpu", "cuda"};
constexpr std::array kTasks = {"generate", "embed", "rerank"};
constexpr std::array kPoolings = {"auto", "mean", "cls", "last"};
constexpr std::array kSplitModes = {"none", "layer", "row", "tensor"};
constexpr std::array kKvTypes = {"f32", "f16", "q8_0", "q4_0"};
constexpr std::array kHeads = {"auto", "on", "off"};

constexpr std::array kToolChoices = {"none", "auto", "required"};

// The bytes of a typed array of the wanted kind, or {nullptr, 0} and false.
struct Bytes {
  const void* data = nullptr;
  std::size_t length = 0;  // elements
};

bool GetTypedArray(const Napi::Value& value, napi_typedarray_type wanted, Bytes* bytes) {
  if (!value.IsTypedArray()) return false;
  napi_typedarray_type type{};
  void* data = nullptr;
  // The C function: Napi::TypedArray asks for the ArrayBuffer, which a SharedArrayBuffer is not.
  if (napi_get_typedarray_info(value.Env(), value, &type, &bytes->length, &data, nullptr, nullptr) != napi_ok) {
    return false;
  }
  bytes->data = data;
  return type == wanted && (data != nullptr || bytes->length == 0);
}

PromptPart ToPromptPart(const Napi::Value& value, const std::string& where) {
  const Fields fields(value, where);
  PromptPart part;
  if (const Napi::Value image = fields.Value("image"); !image.IsUndefined()) {
    part.image = ToImageFile(image, fields.Name("image"));
    part.limits = {fields.Integer<std::uint32_t>("minTokens"), fields.Integer<std::uint32_t>("maxTokens")};
  } else if (const Napi::Value tokens = fields.Value("tokens"); !tokens.IsUndefined()) {
    part.tokens = ToTokens(tokens, fields.Name("tokens"));
  } else {
    part.text = ToString(fields.Value("text"), fields.Name("text"));
    part.parse_special = ToBool(fields.Value("parseSpecial"), fields.Name("parseSpecial"));
  }
  return part;
}

Candidate ToCandidate(const Napi::Value& value, const std::string& name) {
  Candidate candidate;
  if (value.IsString()) {
    candidate.text = ToString(value, name);
  } else {
    candidate.tokens = ToTokens(value, name);
  }
  return candidate;
}

ReasoningTags ToReasoningTags(const Napi::Value& value, const std::string& where) {
  const Fields tags(value, where);
  return {ToString(tags.Value("open"), tags.Name("open")), ToString(tags.Value("close"), tags.Name("close")),
          ToBool(tags.Value("startsOpen"), tags.Name("startsOpen")), ToBool(tags.Value("blanks"), tags.Name("blanks"))};
}

}  // namespace

std::string ToString(Napi::Value value, const std::string& field) {
  if (!value.IsString()) ThrowExpected(value, field, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::string ToPath(Napi::Value value, const std::string& field) {
  std::string path = ToString(value, field);
  // The system would take what stands before it for the whole path.
  if (path.find('\0') != std::string::npos) ThrowWrongType(value.Env(), field + " must not hold a null character");
  return path;
}

bool ToBool(Napi::Value value, const std::string& field) {
  if (!value.IsBoolean()) ThrowExpected(value, field, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Function ToFunction(Napi::Value value, const std::string& field) {
  if (!value.IsFunction()) ThrowExpected(value, field, "a function");
  return value.As<Napi::Function>();
}

RequestId ToRequestId(Napi::Value value) { return ToInteger<RequestId>(value, "id"); }

ImageFile ToImageFile(Napi::Value value, const std::string& field) {
  if (const ImageHandle* image = ImageHandle::Find(value); image != nullptr) {
    if (image->file() == nullptr) ThrowWrongType(value.Env(), field + " must not be an image that was released");
    return image->file();
  }
  Bytes bytes;
  if (!GetTypedArray(value, napi_uint8_array, &bytes)) {
    ThrowExpected(value, field, "a Uint8Array or what readImage() gave");
  }
  return ImageData::Copy({static_cast<const std::uint8_t*>(bytes.data), bytes.length});
}

std::vector<std::int32_t> ToTokens(Napi::Value value, const std::string& field) {
  Bytes bytes;
  if (!GetTypedArray(value, napi_int32_array, &bytes)) ThrowExpected(value, field, "an Int32Array");
  const auto* first = static_cast<const std::int32_t*>(bytes.data);
  return {first, first + bytes.length};
}

std::vector<float> ToFloats(Napi::Value value, const std::string& field) {
  Bytes bytes;
  if (!GetTypedArray(value, napi_float32_array, &bytes)) ThrowExpected(value, field, "a Float32Array");
  const auto* first = static_cast<const float*>(bytes.data);
  return {first, first + bytes.length};
}

LoadOptions ToLoadOptions(Napi::Value value) {
  const Fields fields(value, "options");
  LoadOptions options;
  options.model_path = ToPath(fields.Value("modelPath"), fields.Name("modelPath"));
  options.mmproj_path = ToPath(fields.Value("mmprojPath"), fields.Name("mmprojPath"));
  ForEach(fields.Value("mmprojCandidates"), fields.Name("mmprojCandidates"),
          [&](const Napi::Value& path, const std::string& name) {
            options.mmproj_candidates.push_back(ToPath(path, name));
          });
  options.task = fields.Enum<Task>("task", kTasks);
  options.pooling = fields.Enum<Pooling>("pooling", kPoolings);
  options.only_model = ToBool(fields.Value("onlyModel"), fields.Name("onlyModel"));
  options.device = fields.Enum<Device>("device", kDevices);
  options.cuda_backend = ToPath(fields.Value("cudaBackend"), fields.Name("cudaBackend"));
  options.cuda_problem = ToString(fields.Value("cudaProblem"), fields.Name("cudaProblem"));
  options.main_gpu = fields.Integer<std::uint32_t>("mainGpu");
  options.n_gpu_layers = fields.Integer<std::int32_t>("nGpuLayers");
  options.split_mode = fields.Enum<SplitMode>("splitMode", kSplitModes);
  ForEach(fields.Value("tensorSplit"), fields.Name("tensorSplit"),
          [&](const Napi::Value& share, const std::string& name) {
            options.tensor_split.push_back(Fields::ToFloat(share, name));
          });
  options.n_ctx = fields.Integer<std::uint32_t>("nCtx");
  options.n_ctx_per_request = fields.Integer<std::uint32_t>("nCtxPerRequest");
  options.batch_size = fields.Integer<std::uint32_t>("batchSize");
  options.n_batch = fields.Integer<std::uint32_t>("nBatch");
  options.n_ubatch = fields.Integer<std::uint32_t>("nUbatch");
  options.n_threads = fields.Integer<std::uint32_t>("nThreads");
  options.kv_type = fields.Enum<KvType>("kvType", kKvTypes);
  options.kv_page_size = fields.Integer<std::uint32_t>("kvPageSize");
  options.kv_prefix_cache = ToBool(fields.Value("kvPrefixCache"), fields.Name("kvPrefixCache"));
  options.kv_gather = ToBool(fields.Value("kvGather"), fields.Name("kvGather"));
  options.kv_swap_bytes = fields.Integer<std::int64_t>("kvSwapBytes");
  options.kv_host_bytes = fields.Integer<std::uint64_t>("kvHostBytes");
  options.draft_path = ToPath(fields.Value("draftPath"), fields.Name("draftPath"));
  options.heads = fields.Enum<Heads>("heads", kHeads);
  options.kv_disk_folder = ToPath(fields.Value("kvDiskFolder"), fields.Name("kvDiskFolder"));
  options.kv_disk_bytes = fields.Integer<std::uint64_t>("kvDiskBytes");
  options.kv_host_on_cpu_only = ToBool(fields.Value("kvHostOnCpuOnly"), fields.Name("kvHostOnCpuOnly"));
  options.max_queue = fields.Integer<std::uint32_t>("maxQueue");
  options.max_image_bytes = fields.Integer<std::uint64_t>("maxImageBytes");
  options.max_image_pixels = fields.Integer<std::uint64_t>("maxImagePixels");
  options.adapter_bytes = fields.Integer<std::uint64_t>("adapterBytes");
  options.image_cache_bytes = fields.Integer<std::uint64_t>("imageCacheBytes");
  return options;
}

std::vector<PromptPart> ToPrompt(Napi::Value value, const std::string& field) {
  std::vector<PromptPart> prompt;
  ForEach(value, field,
          [&](const Napi::Value& part, const std::string& name) { prompt.push_back(ToPromptPart(part, name)); });
  return prompt;
}

Request ToRequest(Napi::Value value) {
  const Fields fields(value, "request");
  Request request;
  request.prompt = ToPrompt(fields.Value("prompt"), fields.Name("prompt"));
  request.add_special = ToBool(fields.Value("addSpecial"), fields.Name("addSpecial"));
  request.sampling = ToSampling(fields.Value("sampling"), fields.Name("sampling"));
  ForEach(
      fields.Value("stopStrings"), fields.Name("stopStrings"),
      [&](const Napi::Value& stop, const std::string& name) { request.stop_strings.push_back(ToString(stop, name)); });
  request.grammar = ToString(fields.Value("grammar"), fields.Name("grammar"));
  request.close_at_limit = ToBool(fields.Value("closeAtLimit"), fields.Name("closeAtLimit"));
  request.grammar_opening = ToString(fields.Value("grammarOpening"), fields.Name("grammarOpening"));
  if (!fields.Value("reasoning").IsNull()) {
    request.reasoning = ToReasoningTags(fields.Value("reasoning"), fields.Name("reasoning"));
  }
  if (!fields.Value("reasoningLimit").IsNull()) {
    const Fields limit(fields.Value("reasoningLimit"), fields.Name("reasoningLimit"));
    request.reasoning_limit = ReasoningLimit{ToReasoningTags(limit.Value("tags"), limit.Name("tags")),
                                             limit.Integer<std::uint32_t>("tokens")};
  }
  ForEach(
      fields.Value("controlTexts"), fields.Name("controlTexts"),
      [&](const Napi::Value& text, const std::string& name) { request.control_texts.push_back(ToString(text, name)); });
  request.n_predict = fields.Integer<std::int32_t>("nPredict");
  request.min_tokens = fields.Integer<std::uint32_t>("minTokens");
  request.stop_tokens = ToTokens(fields.Value("stopTokens"), fields.Name("stopTokens"));
  request.ignore_eos = ToBool(fields.Value("ignoreEos"), fields.Name("ignoreEos"));
  ForEach(fields.Value("adapters"), fields.Name("adapters"), [&](const Napi::Value& use, const std::string& name) {
    const Fields adapter(use, name);
    request.adapters.push_back({adapter.Integer<AdapterId>("adapter"), adapter.Float("scale")});
  });
  request.draft_tokens = fields.Integer<std::uint32_t>("maxDraftTokens");
  request.expected_text = ToString(fields.Value("expectedText"), fields.Name("expectedText"));
  request.n = fields.Integer<std::uint32_t>("n");
  ForEach(fields.Value("candidates"), fields.Name("candidates"),
          [&](const Napi::Value& candidate, const std::string& name) {
            request.candidates.push_back(ToCandidate(candidate, name));
          });
  request.base = fields.Integer<StateId>("base");
  request.keep = ToBool(fields.Value("keep"), fields.Name("keep"));
  request.sum_logprobs = ToBool(fields.Value("sumLogprobs"), fields.Name("sumLogprobs"));
  request.n_probs = fields.Integer<std::uint32_t>("nProbs");
  if (!fields.Value("promptProbs").IsNull()) request.prompt_probs = fields.Integer<std::uint32_t>("promptProbs");
  request.streamed = ToBool(fields.Value("streamed"), fields.Name("streamed"));
  request.cache_salt = ToString(fields.Value("cacheSalt"), fields.Name("cacheSalt"));
  request.priority = fields.Integer<std::int32_t>("priority");
  return request;
}

AnswerFormatOptions ToAnswerFormatOptions(Napi::Value value) {
  const Fields fields(value, "options");
  AnswerFormatOptions options;
  ForEach(fields.Value("tools"), fields.Name("tools"), [&](const Napi::Value& each, const std::string& where) {
    const Fields tool(each, where);
    options.tools.push_back({ToString(tool.Value("name"), tool.Name("name")),
                             ToString(tool.Value("description"), tool.Name("description")),
                             ToString(tool.Value("parameters"), tool.Name("parameters"))});
  });
  options.choice = fields.Enum<ToolChoice>("choice", kToolChoices);
  options.parallel = ToBool(fields.Value("parallel"), fields.Name("parallel"));
  options.variables = ToString(fields.Value("variables"), fields.Name("variables"));
  options.answer = ToString(fields.Value("answer"), fields.Name("answer"));
  if (!fields.Value("opening").IsNull()) {
    options.opening = ToString(fields.Value("opening"), fields.Name("opening"));
  }
  return options;
}

EmbedRequest ToEmbedRequest(Napi::Value value) {
  const Fields fields(value, "request");
  EmbedRequest request;
  request.text = ToString(fields.Value("text"), fields.Name("text"));
  if (!fields.Value("query").IsNull()) request.query = ToString(fields.Value("query"), fields.Name("query"));
  request.truncate = ToBool(fields.Value("truncate"), fields.Name("truncate"));
  request.cache_salt = ToString(fields.Value("cacheSalt"), fields.Name("cacheSalt"));
  request.priority = fields.Integer<std::int32_t>("priority");
  return request;
}

std::vector<ChatMessage> ToChatMessages(Napi::Value value) {
  std::vector<ChatMessage> messages;
  ForEach(value, "messages", [&](const Napi::Value& message, const std::string& where) {
    const Fields fields(message, where);
    messages.push_back({ToString(fields.Value("role"), fields.Name("role")),
                        ToString(fields.Value("content"), fields.Name("content"))});
  });
  return messages;
}

Napi::Array ToJs(Napi::Env env, const std::vector<DeviceMemory>& memory) {
  Napi::Array array = Napi::Array::New(env, memory.size());
  for (std::uint32_t i = 0; i < memory.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["device"] = memory[i].device;
    object["weights"] = static_cast<double>(memory[i].weights);
    object["kv"] = static_cast<double>(memory[i].kv);
    object["compute"] = static_cast<double>(memory[i].compute);
    object["projector"] = static_cast<double>(memory[i].projector);
    array[i] = object;
  }
  return array;
}

namespace {

Napi::Value ToJs(Napi::Env env, const ProjectorInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object["kind"] = info.kind;
  if (!info.layers.empty()) {
    Napi::Object layers = Napi::Object::New(env);
    layers["reading"] = info.layers;
    layers["run"] = info.layers_run;
    layers["stored"] = info.layers_stored;
    object["layers"] = layers;
  }
  return object;
}

Napi::Value ToJs(Napi::Env env, const InfillTokens& infill) {
  Napi::Object object = Napi::Object::New(env);
  object["prefix"] = infill.prefix;
  object["suffix"] = infill.suffix;
  object["middle"] = infill.middle;
  return object;
}

}  // namespace

Napi::Object ToJs(Napi::Env env, const ModelInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object["description"] = info.description;
  object["name"] = info.name;
  object["chatTemplate"] = info.chat_template;
  object["bosToken"] = info.bos_token;
  object["eosToken"] = info.eos_token;
  Napi::Array end_tokens = Napi::Array::New(env);
  for (const EndToken& end : info.end_tokens) {
    Napi::Object entry = Napi::Object::New(env);
    entry["id"] = end.token;
    entry["text"] = end.text;
    entry["ends"] = end.ends;
    end_tokens.Set(end_tokens.Length(), entry);
  }
  object["endTokens"] = end_tokens;
  object["infill"] = info.infill ? ToJs(env, *info.infill) : env.Null();
  object["parameters"] = static_cast<double>(info.parameters);
  object["bytes"] = static_cast<double>(info.bytes);
  object["nVocab"] = info.n_vocab;
  object["nEmbd"] = info.n_embd;
  object["nLayer"] = info.n_layer;
  object["nCtxTrain"] = info.n_ctx_train;
  object["nCtx"] = info.n_ctx;
  object["nCtxPerRequest"] = info.n_ctx_per_request;
  object["batchSize"] = info.batch_size;
  object["nUbatch"] = info.n_ubatch;
  object["task"] = kTasks.at(static_cast<std::size_t>(info.task));
  object["pooling"] = info.pooling;
  object["nRow"] = info.n_row;
  object["labels"] = ToJs(env, info.labels);
  object["vision"] = info.vision;
  object["projector"] = info.vision ? ToJs(env, info.projector) : env.Null();
  object["draft"] = info.draft;
  object["heads"] = info.heads;
  object["projectorWarning"] = info.projector_warning;
  object["nGpuLayers"] = info.n_gpu_layers;
  object["memory"] = ToJs(env, info.memory);
  object["warning"] = info.warning;
  return object;
}

Napi::Object ToJs(Napi::Env env, const KvStats& kv) {
  Napi::Object object = Napi::Object::New(env);
  object["paged"] = kv.paged;
  object["pageSize"] = kv.page_size;
  object["pages"] = kv.pages;
  object["pagesFree"] = kv.pages_free;
  object["pagesUsed"] = kv.pages_used;
  object["pagesShared"] = kv.pages_shared;
  object["pagesCached"] = kv.pages_cached;
  object["pagesEvicted"] = static_cast<double>(kv.pages_evicted);
  object["fragmentation"] = kv.fragmentation;
  object["prefixHits"] = static_cast<double>(kv.prefix_hits);
  object["tokensSaved"] = static_cast<double>(kv.tokens_saved);
  object["tokensSwapped"] = static_cast<double>(kv.tokens_swapped);
  object["swapBytes"] = static_cast<double>(kv.swap_bytes);
  object["hostPages"] = static_cast<double>(kv.host_pages);
  object["hostBytes"] = static_cast<double>(kv.host_bytes);
  object["diskPages"] = static_cast<double>(kv.disk_pages);
  object["diskBytes"] = static_cast<double>(kv.disk_bytes);
  object["diskLost"] = static_cast<double>(kv.disk_lost);
  object["tokensRestored"] = static_cast<double>(kv.tokens_restored);
  return object;
}

Napi::Object ToJs(Napi::Env env, const Stats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object["queued"] = stats.queued;
  object["encoding"] = stats.encoding;
  object["running"] = stats.running;
  object["paused"] = stats.paused;
  object["completed"] = static_cast<double>(stats.completed);
  object["failed"] = static_cast<double>(stats.failed);
  object["aborted"] = static_cast<double>(stats.aborted);
  object["steps"] = static_cast<double>(stats.steps);
  object["stepMs"] = stats.step_ms;
  object["graphsReused"] = static_cast<double>(stats.graphs_reused);
  object["promptTokens"] = static_cast<double>(stats.prompt_tokens);
  object["generatedTokens"] = static_cast<double>(stats.generated_tokens);
  object["draftTokens"] = static_cast<double>(stats.draft_tokens);
  object["acceptedTokens"] = static_cast<double>(stats.accepted_tokens);
  object["preemptions"] = static_cast<double>(stats.preemptions);
  object["imagesEncoded"] = static_cast<double>(stats.images_encoded);
  object["imageCacheHits"] = static_cast<double>(stats.image_cache_hits);
  object["imageBatches"] = static_cast<double>(stats.image_batches);
  object["imageMs"] = stats.image_ms;
  object["kvCells"] = stats.kv_cells;
  object["kvCellsUsed"] = stats.kv_cells_used;
  object["kv"] = ToJs(env, stats.kv);
  object["imageCacheBytes"] = static_cast<double>(stats.image_cache_bytes);
  object["threads"] = stats.threads;
  return object;
}

Napi::Array ToJs(Napi::Env env, const std::vector<DeviceInfo>& devices) {
  Napi::Array array = Napi::Array::New(env, devices.size());
  for (std::uint32_t i = 0; i < devices.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["name"] = devices[i].name;
    object["description"] = devices[i].description;
    object["backend"] = devices[i].backend;
    object["memoryTotal"] = static_cast<double>(devices[i].memory_total);
    object["memoryFree"] = static_cast<double>(devices[i].memory_free);
    if (!devices[i].driver.empty()) object["driver"] = devices[i].driver;
    if (!devices[i].compute_capability.empty()) object["computeCapability"] = devices[i].compute_capability;
    array[i] = object;
  }
  return array;
}

Napi::Array ToJs(Napi::Env env, const std::vector<std::string>& strings) {
  Napi::Array array = Napi::Array::New(env, strings.size());
  for (std::uint32_t i = 0; i < strings.size(); ++i) array[i] = strings[i];
  return array;
}

Napi::Int32Array ToJs(Napi::Env env, const std::vector<std::int32_t>& tokens) {
  Napi::Int32Array array = Napi::Int32Array::New(env, tokens.size());
  std::copy(tokens.begin(), tokens.end(), array.Data());
  return array;
}

}  // namespace medinfer
