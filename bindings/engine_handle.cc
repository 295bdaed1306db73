#include "engine_handle.h"

#include <utility>

#include "addon_data.h"
#include "convert.h"
#include "errors.h"
#include "fields.h"
#include "read_image_task.h"

namespace medinfer {
namespace {

constexpr napi_type_tag kEngineTag = {0x6d6564696e666572, 0x7f1c4e0a9d3b5826};

// Napi::ObjectWrap unwraps whatever object carries the method, of any addon's class.
bool IsEngine(const Napi::Value& self) { return self.IsObject() && self.As<Napi::Object>().CheckTypeTag(&kEngineTag); }

}  // namespace

Napi::Function EngineHandle::Define(Napi::Env env) {
  return DefineClass(env, "NativeEngine",
                     {
                         InstanceMethod<&EngineHandle::Submit>("submit"),
                         InstanceMethod<&EngineHandle::ReadImage>("readImage"),
                         InstanceMethod<&EngineHandle::EmbedImage>("embedImage"),
                         InstanceMethod<&EngineHandle::Embed>("embed"),
                         InstanceMethod<&EngineHandle::CountTokens>("countTokens"),
                         InstanceMethod<&EngineHandle::Cancel>("cancel"),
                         InstanceMethod<&EngineHandle::Finish>("finish"),
                         InstanceMethod<&EngineHandle::Stream>("stream"),
                         InstanceMethod<&EngineHandle::Pause>("pause"),
                         InstanceMethod<&EngineHandle::Resume>("resume"),
                         InstanceMethod<&EngineHandle::ForkState>("forkState"),
                         InstanceMethod<&EngineHandle::DropState>("dropState"),
                         InstanceMethod<&EngineHandle::SaveState>("saveState"),
                         InstanceMethod<&EngineHandle::RestoreState>("restoreState"),
                         InstanceMethod<&EngineHandle::LoadAdapter>("loadAdapter"),
                         InstanceMethod<&EngineHandle::UnloadAdapter>("unloadAdapter"),
                         InstanceMethod<&EngineHandle::GetStats>("stats"),
                         InstanceMethod<&EngineHandle::Tokenize>("tokenize"),
                         InstanceMethod<&EngineHandle::Detokenize>("detokenize"),
                         InstanceMethod<&EngineHandle::Close>("close"),
                     });
}

EngineHandle::EngineHandle(const Napi::CallbackInfo& info)
    : ObjectWrap(info), session_(AddonData::Of(info.Env()).TakeSessionToWrap()) {
  const Napi::Env env = info.Env();
  if (!session_) ThrowWrongType(env, "an engine comes from load(), not from new");
  Napi::Object self = info.This().As<Napi::Object>();
  self.TypeTag(&kEngineTag);
  self.DefineProperty(Napi::PropertyDescriptor::Value("info", ToJs(env, session_->engine()->info()), napi_enumerable));
  session_->Attach(this);
}

EngineHandle::~EngineHandle() {
  if (session_) session_->Detach();
}

void EngineHandle::Hold(bool hold) { static_cast<void>(hold ? Ref() : Unref()); }

template <typename Body>
auto EngineHandle::Run(const Napi::CallbackInfo& info, Body&& body) const -> decltype(body()) {
  // Until that is known, this object is not ours to read.
  if (!IsEngine(info.This())) ThrowWrongType(info.Env(), "this must be an engine");
  return Guarded(info.Env(), session_->errors(), std::forward<Body>(body));
}

Engine& EngineHandle::Open(const Napi::CallbackInfo& info) const {
  Engine* engine = session_->engine();
  if (engine == nullptr) Throw(info.Env(), {Code::kClosed, "the engine is closed"});
  return *engine;
}

Napi::Value EngineHandle::Accepted(Napi::Env env, const Result<RequestId>& id, std::uint32_t n) {
  if (!id.ok()) Throw(env, id.status());
  for (std::uint32_t i = 0; i < n; ++i) session_->AddPending(id.value() + i);
  return Napi::Number::New(env, static_cast<double>(id.value()));
}

Napi::Value EngineHandle::Submit(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    Open(info);  // refuses before images are copied
    // Getters of the request may run, and close the engine.
    Request request = ToRequest(info[0]);
    const std::uint32_t n = request.n;
    return Accepted(info.Env(), Open(info).Submit(std::move(request)), n);
  });
}

Napi::Value EngineHandle::ReadImage(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    Open(info);
    const std::string path = ToPath(info[0], "path");
    const auto max_bytes = ToInteger<std::uint64_t>(info[1], "maxBytes");
    return ReadImageTask::Start(info.Env(), session_->errors(), path, max_bytes);
  });
}

Napi::Value EngineHandle::EmbedImage(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    Engine& engine = Open(info);
    return Accepted(info.Env(), engine.EmbedImage(ToImageFile(info[0], "image")));
  });
}

Napi::Value EngineHandle::Embed(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    // Getters of the request may run, and close the engine.
    EmbedRequest request = ToEmbedRequest(info[0]);
    return Accepted(info.Env(), Open(info).Embed(std::move(request)));
  });
}

Napi::Value EngineHandle::CountTokens(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    Open(info);  // refuses before images are copied
    // Getters of the prompt may run, and close the engine.
    std::vector<PromptPart> prompt = ToPrompt(info[0], "prompt");
    const bool add_special = ToBool(info[1], "addSpecial");
    return Accepted(info.Env(), Open(info).CountTokens(std::move(prompt), add_special));
  });
}

void EngineHandle::Cancel(const Napi::CallbackInfo& info) {
  Run(info, [&] {
    const RequestId id = ToRequestId(info[0]);
    Open(info).Cancel(id);
    // Its end is on the way.
    session_->SetPaused(id, false);
  });
}

void EngineHandle::Finish(const Napi::CallbackInfo& info) {
  Run(info, [&] {
    const RequestId id = ToRequestId(info[0]);
    Open(info).Finish(id);
    // Its end is on the way.
    session_->SetPaused(id, false);
  });
}

void EngineHandle::Stream(const Napi::CallbackInfo& info) {
  Run(info, [&] { Open(info).Stream(ToRequestId(info[0])); });
}

void EngineHandle::Pause(const Napi::CallbackInfo& info) {
  Run(info, [&] {
    const RequestId id = ToRequestId(info[0]);
    Open(info).Pause(id);
    session_->SetPaused(id, true);
  });
}

void EngineHandle::Resume(const Napi::CallbackInfo& info) {
  Run(info, [&] {
    const RequestId id = ToRequestId(info[0]);
    Open(info).Resume(id);
    session_->SetPaused(id, false);
  });
}

Napi::Value EngineHandle::ForkState(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    const auto fork = Open(info).ForkState(ToRequestId(info[0]));
    if (!fork.ok()) Throw(info.Env(), fork.status());
    return Napi::Number::New(info.Env(), static_cast<double>(fork.value()));
  });
}

void EngineHandle::DropState(const Napi::CallbackInfo& info) {
  Run(info, [&] { Open(info).DropState(ToRequestId(info[0])); });
}

Napi::Value EngineHandle::SaveState(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    const StateId state = ToRequestId(info[0]);
    return Accepted(info.Env(), Open(info).SaveState(state, ToPath(info[1], "path"), ToString(info[2], "note")));
  });
}

Napi::Value EngineHandle::RestoreState(const Napi::CallbackInfo& info) {
  return Run(info, [&] { return Accepted(info.Env(), Open(info).RestoreState(ToPath(info[0], "path"))); });
}

Napi::Value EngineHandle::LoadAdapter(const Napi::CallbackInfo& info) {
  return Run(info, [&] { return Accepted(info.Env(), Open(info).LoadAdapter(ToPath(info[0], "path"))); });
}

Napi::Value EngineHandle::UnloadAdapter(const Napi::CallbackInfo& info) {
  return Run(info, [&] { return Accepted(info.Env(), Open(info).UnloadAdapter(ToRequestId(info[0]))); });
}

Napi::Value EngineHandle::GetStats(const Napi::CallbackInfo& info) {
  return Run(info, [&] { return ToJs(info.Env(), Open(info).stats()); });
}

Napi::Value EngineHandle::Tokenize(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    const auto tokens =
        Open(info).Tokenize(ToString(info[0], "text"), ToBool(info[1], "addSpecial"), ToBool(info[2], "parseSpecial"));
    if (!tokens.ok()) Throw(info.Env(), tokens.status());
    return ToJs(info.Env(), tokens.value());
  });
}

Napi::Value EngineHandle::Detokenize(const Napi::CallbackInfo& info) {
  return Run(info, [&] {
    const auto text = Open(info).Detokenize(ToTokens(info[0], "tokens"), ToBool(info[1], "special"));
    if (!text.ok()) Throw(info.Env(), text.status());
    return Napi::String::New(info.Env(), text.value());
  });
}

Napi::Value EngineHandle::Close(const Napi::CallbackInfo& info) {
  return Run(info, [&] { return session_->Close(info.Env()); });
}

}  // namespace medinfer
