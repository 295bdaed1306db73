// Events -> JavaScript, through the C functions: node-addon-api throws on every failure, and makes a
// reference for every exception, but here a failure is the normal case of a dying environment.
#include <cstring>

#include "convert.h"
#include "errors.h"

namespace medinfer {
namespace {

// Builds one object. After a failure it does nothing and ok() is false.
class ObjectWriter {
 public:
  explicit ObjectWriter(napi_env env) : env_(env) { Check(napi_create_object(env_, &object_)); }

  bool ok() const { return ok_; }
  napi_value object() const { return object_; }

  void Set(const char* name, napi_value value) {
    ok_ = ok_ && value != nullptr;
    if (ok_) Check(napi_set_named_property(env_, object_, name, value));
  }
  void Set(const char* name, double number) {
    napi_value value = nullptr;
    if (ok_) Check(napi_create_double(env_, number, &value));
    Set(name, value);
  }
  void Set(const char* name, std::uint32_t number) {
    napi_value value = nullptr;
    if (ok_) Check(napi_create_uint32(env_, number, &value));
    Set(name, value);
  }
  void Set(const char* name, bool flag) {
    napi_value value = nullptr;
    if (ok_) Check(napi_get_boolean(env_, flag, &value));
    Set(name, value);
  }
  void Set(const char* name, const std::string& text) {
    napi_value value = nullptr;
    if (ok_) Check(napi_create_string_utf8(env_, text.data(), text.size(), &value));
    Set(name, value);
  }
  void Set(const char* name, const char* text) {
    napi_value value = nullptr;
    if (ok_) Check(napi_create_string_utf8(env_, text, NAPI_AUTO_LENGTH, &value));
    Set(name, value);
  }
  void Set(const char* name, const ObjectWriter& nested) {
    ok_ = ok_ && nested.ok_;
    Set(name, nested.object_);
  }

 private:
  void Check(napi_status status) { ok_ = ok_ && status == napi_ok; }

  const napi_env env_;
  napi_value object_ = nullptr;
  bool ok_ = true;
};

const char* FinishReasonName(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEos:
      return "eos";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
  }
  return "eos";
}

template <typename Number>
napi_value TypedArray(napi_env env, napi_typedarray_type type, const std::vector<Number>& values) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, values.size() * sizeof(Number), &data, &buffer) != napi_ok) {
    return nullptr;
  }
  if (!values.empty()) std::memcpy(data, values.data(), values.size() * sizeof(Number));
  const napi_status status = napi_create_typedarray(env, type, values.size(), buffer, 0, &array);
  return status == napi_ok ? array : nullptr;
}

napi_value Float32Array(napi_env env, const std::vector<float>& values) {
  return TypedArray(env, napi_float32_array, values);
}

napi_value Int32Array(napi_env env, const std::vector<std::int32_t>& values) {
  return TypedArray(env, napi_int32_array, values);
}

// Bytes travel as a string of one character per byte: a token may be a part of a character.
napi_value Latin1(napi_env env, const std::string& bytes) {
  napi_value value = nullptr;
  return napi_create_string_latin1(env, bytes.data(), bytes.size(), &value) == napi_ok ? value : nullptr;
}

// Null where something failed; so are the others below.
template <typename Item, typename Convert>
napi_value ArrayOf(napi_env env, const std::vector<Item>& items, Convert convert) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, items.size(), &array) != napi_ok) return nullptr;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    const napi_value item = convert(items[i]);
    if (item == nullptr || napi_set_element(env, array, i, item) != napi_ok) return nullptr;
  }
  return array;
}

napi_value TopToJs(napi_env env, const std::vector<TokenLogprob>& top) {
  return ArrayOf(env, top, [env](const TokenLogprob& each) -> napi_value {
    ObjectWriter out(env);
    out.Set("id", static_cast<double>(each.token));
    out.Set("bytes", Latin1(env, each.bytes));
    out.Set("logprob", static_cast<double>(each.logprob));
    return out.ok() ? out.object() : nullptr;
  });
}

napi_value PromptLogprobsToJs(napi_env env, const std::vector<PromptLogprob>& tokens) {
  return ArrayOf(env, tokens, [env](const PromptLogprob& each) -> napi_value {
    ObjectWriter out(env);
    out.Set("id", static_cast<double>(each.token));
    out.Set("bytes", Latin1(env, each.bytes));
    if (each.logprob) out.Set("logprob", static_cast<double>(*each.logprob));
    out.Set("top", TopToJs(env, each.top));
    return out.ok() ? out.object() : nullptr;
  });
}

napi_value LogprobsToJs(napi_env env, const std::vector<TokenLogprobs>& tokens) {
  return ArrayOf(env, tokens, [env](const TokenLogprobs& each) -> napi_value {
    ObjectWriter out(env);
    out.Set("id", static_cast<double>(each.token));
    out.Set("bytes", Latin1(env, each.bytes));
    out.Set("logprobBefore", static_cast<double>(each.before));
    out.Set("logprobAfter", static_cast<double>(each.after));
    out.Set("before", TopToJs(env, each.top_before));
    out.Set("after", TopToJs(env, each.top_after));
    return out.ok() ? out.object() : nullptr;
  });
}

napi_value UsageToJs(napi_env env, const Usage& usage) {
  ObjectWriter out(env);
  out.Set("promptTokens", usage.prompt_tokens);
  out.Set("imageTokens", usage.image_tokens);
  out.Set("completionTokens", usage.completion_tokens);
  out.Set("cachedTokens", usage.cached_tokens);
  out.Set("imagesCached", usage.images_cached);
  out.Set("draftTokens", usage.draft_tokens);
  out.Set("acceptedTokens", usage.accepted_tokens);
  return out.ok() ? out.object() : nullptr;
}

napi_value TimingsToJs(napi_env env, const Timings& timings) {
  ObjectWriter out(env);
  out.Set("queueMs", timings.queue_ms);
  out.Set("encodeMs", timings.encode_ms);
  out.Set("prefillMs", timings.prefill_ms);
  out.Set("firstTokenMs", timings.first_token_ms);
  out.Set("decodeMs", timings.decode_ms);
  out.Set("totalMs", timings.total_ms);
  return out.ok() ? out.object() : nullptr;
}

napi_value SeenToJs(napi_env env, const std::vector<SeenImage>& images) {
  return ArrayOf(env, images, [env](const SeenImage& each) -> napi_value {
    ObjectWriter out(env);
    out.Set("width", each.width);
    out.Set("height", each.height);
    out.Set("seenWidth", each.seen_width);
    out.Set("seenHeight", each.seen_height);
    out.Set("tiles", each.tiles);
    out.Set("tokens", each.tokens);
    return out.ok() ? out.object() : nullptr;
  });
}

// Writes one kind of event into the object that has the id already.
struct BodyWriter {
  napi_env env;
  ObjectWriter& out;

  void operator()(const Encoded& event) const {
    out.Set("type", "encode");
    out.Set("images", event.images);
    out.Set("cached", event.cached);
    out.Set("seen", SeenToJs(env, event.seen));
  }
  void operator()(const Prefill& event) const {
    out.Set("type", "prefill");
    out.Set("done", event.done);
    out.Set("total", event.total);
  }
  void operator()(const PromptLogprobs& event) const {
    out.Set("type", "promptLogprobs");
    out.Set("tokens", PromptLogprobsToJs(env, event.tokens));
  }
  void operator()(const Text& event) const {
    out.Set("type", "text");
    out.Set("text", event.text);
    if (event.control) out.Set("control", true);
  }
  void operator()(const Logprobs& event) const {
    out.Set("type", "logprobs");
    out.Set("tokens", LogprobsToJs(env, event.tokens));
  }
  void operator()(const Done& event) const {
    out.Set("type", "done");
    out.Set("finishReason", FinishReasonName(event.reason));
    out.Set("stopToken", static_cast<double>(event.stop_token));
    out.Set("stopString", event.stop_string);
    out.Set("usage", UsageToJs(env, event.usage));
    out.Set("timings", TimingsToJs(env, event.timings));
    out.Set("logprobSum", event.logprob_sum);
    out.Set("drawn", event.n_drawn);
    out.Set("state", static_cast<double>(event.state));
  }
  void operator()(const Scored& event) const {
    out.Set("type", "scored");
    out.Set("tokens", Int32Array(env, event.tokens));
    out.Set("logprobs", Float32Array(env, event.logprobs));
    out.Set("usage", UsageToJs(env, event.usage));
    out.Set("timings", TimingsToJs(env, event.timings));
  }
  void operator()(const Embedded& event) const {
    static const std::vector<float> kNone;
    out.Set("type", "embedded");
    out.Set("values", Float32Array(env, event.values ? *event.values : kNone));
    out.Set("tokens", event.tokens);
    out.Set("width", event.width);
    out.Set("cached", event.cached);
  }
  void operator()(const Pooled& event) const {
    out.Set("type", "pooled");
    out.Set("values", Float32Array(env, *event.values));
    out.Set("tokens", event.tokens);
    out.Set("cached", event.cached);
    out.Set("cut", event.cut);
  }
  void operator()(const Counted& event) const {
    out.Set("type", "counted");
    out.Set("tokens", event.tokens);
  }
  void operator()(const Saved& event) const {
    out.Set("type", "saved");
    out.Set("tokens", event.tokens);
  }
  void operator()(const Restored& event) const {
    out.Set("type", "restored");
    out.Set("state", static_cast<double>(event.state));
    out.Set("tokens", event.tokens);
    out.Set("note", event.note);
  }
  void operator()(const AdapterLoaded& event) const {
    out.Set("type", "adapterLoaded");
    ObjectWriter info(env);
    info.Set("name", event.info.name);
    info.Set("architecture", event.info.architecture);
    info.Set("task", event.info.task);
    info.Set("promptPrefix", event.info.prompt_prefix);
    info.Set("alpha", static_cast<double>(event.info.alpha));
    info.Set("rank", event.info.rank);
    info.Set("weights", event.info.weights);
    info.Set("bytes", static_cast<double>(event.info.bytes));
    info.Set("digest", event.info.digest);
    out.Set("info", info);
  }
  void operator()(const AdapterUnloaded& /*event*/) const { out.Set("type", "adapterUnloaded"); }
  void operator()(const Failed& event) const {
    out.Set("type", "failed");
    out.Set("error", ErrorValue(env, event.status));
  }
};

// Null where something failed.
napi_value EventToJs(napi_env env, const Event& event) {
  ObjectWriter out(env);
  out.Set("id", static_cast<double>(event.id));
  std::visit(BodyWriter{env, out}, event.body);
  return out.ok() ? out.object() : nullptr;
}

}  // namespace

napi_value EventsToJs(napi_env env, const std::vector<Event>& events) {
  return ArrayOf(env, events, [env](const Event& event) {
    const napi_value object = EventToJs(env, event);
    if (object != nullptr) return object;
    // A text that JavaScript cannot hold, for one, must not take the events of others along. Where the environment
    // dies, this fails, too.
    napi_value pending = nullptr;
    static_cast<void>(napi_get_and_clear_last_exception(env, &pending));
    return EventToJs(env, {event.id, Failed{{Code::kInternal, "the addon cannot say what became of the request"}}});
  });
}

}  // namespace medinfer
