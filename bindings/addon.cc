// The module: NativeAddon in lib/native/types.ts.
#ifdef __APPLE__
#include <dlfcn.h>
#endif

#include <memory>
#include <utility>

#include "addon_data.h"
#include "chat_format.h"
#include "convert.h"
#include "engine_session.h"
#include "error_class.h"
#include "errors.h"
#include "medinfer/json_schema.h"

namespace medinfer {
namespace {

// Node unloads an addon with the last worker that uses it. The backends stay, because ggml cannot unload them, and
// hold pointers into this library: the log callback for one. So it stays too. On Linux the linker's nodelete says so,
// which holds also where a worker ends before Init: ggml's terminate handler would stay installed, and ggml, loaded a
// second time to the same address, aborts when it finds its own. Other linkers have no such flag.
void StayLoaded() {
#ifdef __APPLE__
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&StayLoaded), &self) != 0) {
    static_cast<void>(dlopen(self.dli_fname, RTLD_NOW));
  }
#endif
}

// Of the copy of the library that calls; null: nobody has given one.
const ErrorClass* ErrorsOf(const Napi::CallbackInfo& info) { return static_cast<const ErrorClass*>(info.Data()); }

void CheckBackends(Napi::Env env) {
  if (!AddonData::Of(env).backends_ready) {
    Throw(env, {Code::kInvalidArgument, "initBackends() must be called first"});
  }
}

void InitBackendsFrom(const Napi::CallbackInfo& info) {
  Guarded(info.Env(), ErrorsOf(info), [&] {
    const Status status = InitBackends(ToString(info[0], "directory"));
    if (!status.ok()) Throw(info.Env(), status);
    AddonData::Of(info.Env()).backends_ready = true;
  });
}

Napi::Value ListDevices(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&] {
    CheckBackends(info.Env());
    const std::string cuda = ToPath(info[0], "cudaBackend");
    if (!cuda.empty()) static_cast<void>(LoadCuda(cuda));  // why it does not work, a load says
    return ToJs(info.Env(), Devices());
  });
}

Napi::Value Load(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    AddonData& addon = AddonData::Of(env);
    CheckBackends(env);
    if (addon.exiting) Throw(env, {Code::kClosed, "the process is exiting"});
    const auto session = EngineSession::Start(addon, env, ErrorsOf(info), ToLoadOptions(info[0]),
                                              ToFunction(info[1], "onEvents"), ToFunction(info[2], "onProgress"));
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
  return Guarded(info.Env(), ErrorsOf(info), [&] { return ToJs(info.Env(), BuiltinChatTemplates()); });
}

Napi::Value ApplyChatTemplate(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&] {
    const auto prompt = ApplyBuiltinChatTemplate(ToString(info[0], "name"), ToChatMessages(info[1]),
                                                 ToBool(info[2], "addGenerationPrompt"));
    if (!prompt.ok()) Throw(info.Env(), prompt.status());
    return Napi::String::New(info.Env(), prompt.value());
  });
}

Napi::Value FindChatFormat(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&] {
    return MakeChatFormat(info.Env(), ToString(info[0], "source"), ToString(info[1], "bosToken"),
                          ToString(info[2], "eosToken"), ErrorsOf(info));
  });
}

Napi::Value ConvertJsonSchema(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&] {
    const auto grammar = JsonSchemaToGrammar(ToString(info[0], "schema"));
    if (!grammar.ok()) Throw(info.Env(), grammar.status());
    return Napi::String::New(info.Env(), grammar.value());
  });
}

Napi::Value Inspect(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), ErrorsOf(info), [&] {
    const auto inspection = InspectSampling(ToInspectRequest(info[0]));
    if (!inspection.ok()) Throw(info.Env(), inspection.status());
    return ToJs(info.Env(), inspection.value());
  });
}

template <auto Function>
void Define(Napi::Object target, const char* name, ErrorClass* errors) {
  target.Set(name, Napi::Function::New<Function>(target.Env(), name, errors));
}

// Puts the surface into `target`; its errors are of the class `errors`.
void DefineAddon(Napi::Object target, ErrorClass* errors) {
  Define<InitBackendsFrom>(target, "initBackends", errors);
  Define<ListDevices>(target, "devices", errors);
  Define<Load>(target, "load", errors);
  Define<ListChatTemplates>(target, "builtinChatTemplates", errors);
  Define<ApplyChatTemplate>(target, "applyBuiltinChatTemplate", errors);
  Define<FindChatFormat>(target, "chatFormat", errors);
  Define<ConvertJsonSchema>(target, "jsonSchemaToGrammar", errors);
  Define<Inspect>(target, "inspectSampling", errors);
}

Napi::Value WithErrorClass(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return Guarded(env, nullptr, [&] {
    const Napi::Function error_class = ToFunction(info[0], "errorClass");
    auto errors = std::make_unique<ErrorClass>(error_class);
    Napi::Object surface = Napi::Object::New(env);
    // What ErrorClass does not: keep the class for as long as somebody can call these functions.
    surface.DefineProperty(Napi::PropertyDescriptor::Value("errorClass", error_class, napi_default));
    DefineAddon(surface, AddonData::Of(env).Keep(std::move(errors)));
    return surface;
  });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  StayLoaded();
  AddonData::Install(env);
  return Guarded(env, nullptr, [&] {
    DefineAddon(exports, nullptr);
    exports.Set("withErrorClass", Napi::Function::New<WithErrorClass>(env, "withErrorClass"));
    return exports;
  });
}

}  // namespace

NODE_API_MODULE(medinfer, Init)

}  // namespace medinfer
