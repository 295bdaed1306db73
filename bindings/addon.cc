// The module: NativeAddon in lib/binding.ts.
#ifndef _WIN32
#include <dlfcn.h>
#endif

#include <memory>
#include <utility>

#include "addon_data.h"
#include "convert.h"
#include "engine_session.h"
#include "errors.h"
#include "medinfer/json_schema.h"

namespace medinfer {
namespace {

// Node unloads an addon with the last worker that uses it. The backends stay, because ggml can not unload them, and
// hold pointers into this library: the log callback for one. So it stays too.
void StayLoaded() {
#ifndef _WIN32
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&StayLoaded), &self) != 0) {
    static_cast<void>(dlopen(self.dli_fname, RTLD_NOW));
  }
#endif
}

void CheckBackends(Napi::Env env) {
  if (!AddonData::Of(env).backends_ready) {
    Throw(env, {Code::kInvalidArgument, "initBackends() must be called first"});
  }
}

void InitBackendsFrom(const Napi::CallbackInfo& info) {
  Guarded(info.Env(), [&] {
    const Status status = InitBackends(ToString(info[0], "directory"));
    if (!status.ok()) Throw(info.Env(), status);
    AddonData::Of(info.Env()).backends_ready = true;
  });
}

Napi::Value ListDevices(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    CheckBackends(info.Env());
    const std::string cuda = ToPath(info[0], "cudaBackend");
    if (!cuda.empty()) static_cast<void>(LoadCuda(cuda));  // why it does not work, a load says
    return ToJs(info.Env(), Devices());
  });
}

Napi::Value Load(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    AddonData& addon = AddonData::Of(env);
    CheckBackends(env);
    if (addon.exiting) Throw(env, {Code::kClosed, "the process is exiting"});
    const auto session = EngineSession::Start(addon, env, ToLoadOptions(info[0]), ToFunction(info[1], "onEvents"),
                                              ToFunction(info[2], "onProgress"));
    Napi::Object load = Napi::Object::New(env);
    load.Set("engine", session->engine_promise());
    // Weak: who drops the engine but keeps the load must not keep the model in memory.
    load.Set("abort", Napi::Function::New(env, [weak = std::weak_ptr(session)](const Napi::CallbackInfo&) {
               if (const auto alive = weak.lock()) alive->AbortLoad();
             }));
    return load;
  });
}

Napi::Value ListChatTemplates(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] { return ToJs(info.Env(), BuiltinChatTemplates()); });
}

Napi::Value ApplyChatTemplate(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    const auto prompt = ApplyBuiltinChatTemplate(ToString(info[0], "name"), ToChatMessages(info[1]),
                                                 ToBool(info[2], "addGenerationPrompt"));
    if (!prompt.ok()) Throw(info.Env(), prompt.status());
    return Napi::String::New(info.Env(), prompt.value());
  });
}

Napi::Value ConvertJsonSchema(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    const auto grammar = JsonSchemaToGrammar(ToString(info[0], "schema"));
    if (!grammar.ok()) Throw(info.Env(), grammar.status());
    return Napi::String::New(info.Env(), grammar.value());
  });
}

Napi::Value Inspect(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    const auto inspection = InspectSampling(ToInspectRequest(info[0]));
    if (!inspection.ok()) Throw(info.Env(), inspection.status());
    return ToJs(info.Env(), inspection.value());
  });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return Guarded(env, [&] {
    StayLoaded();
    AddonData::Install(env);
    exports.Set("initBackends", Napi::Function::New<InitBackendsFrom>(env, "initBackends"));
    exports.Set("devices", Napi::Function::New<ListDevices>(env, "devices"));
    exports.Set("load", Napi::Function::New<Load>(env, "load"));
    exports.Set("builtinChatTemplates", Napi::Function::New<ListChatTemplates>(env, "builtinChatTemplates"));
    exports.Set("applyBuiltinChatTemplate", Napi::Function::New<ApplyChatTemplate>(env, "applyBuiltinChatTemplate"));
    exports.Set("jsonSchemaToGrammar", Napi::Function::New<ConvertJsonSchema>(env, "jsonSchemaToGrammar"));
    exports.Set("inspectSampling", Napi::Function::New<Inspect>(env, "inspectSampling"));
    return exports;
  });
}

}  // namespace

NODE_API_MODULE(medinfer, Init)

}  // namespace medinfer
