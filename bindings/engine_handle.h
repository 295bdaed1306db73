// The JavaScript engine: NativeEngine in lib/native/types.ts. JS thread only.
//
// Made by load() alone. It holds its session; when it is collected without close(), it closes it.
#pragma once

#include <memory>

#include "engine_session.h"
#include "napi_setup.h"

namespace medinfer {

class EngineHandle final : public Napi::ObjectWrap<EngineHandle>, private EngineSession::Handle {
 public:
  // The JavaScript class of this environment.
  static Napi::Function Define(Napi::Env env);

  // REQUIRES: AddonData holds the session to wrap; throws where JavaScript called `new`.
  explicit EngineHandle(const Napi::CallbackInfo& info);
  ~EngineHandle() override;

 private:
  Napi::Value Submit(const Napi::CallbackInfo& info);
  Napi::Value ReadImage(const Napi::CallbackInfo& info);
  Napi::Value EmbedImage(const Napi::CallbackInfo& info);
  Napi::Value Embed(const Napi::CallbackInfo& info);
  Napi::Value CountTokens(const Napi::CallbackInfo& info);
  void Cancel(const Napi::CallbackInfo& info);
  void Finish(const Napi::CallbackInfo& info);
  void Stream(const Napi::CallbackInfo& info);
  void Pause(const Napi::CallbackInfo& info);
  void Resume(const Napi::CallbackInfo& info);
  Napi::Value ForkState(const Napi::CallbackInfo& info);
  void DropState(const Napi::CallbackInfo& info);
  Napi::Value SaveState(const Napi::CallbackInfo& info);
  Napi::Value RestoreState(const Napi::CallbackInfo& info);
  Napi::Value LoadAdapter(const Napi::CallbackInfo& info);
  Napi::Value UnloadAdapter(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value Detokenize(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  // Runs the body of a method; throws unless `info.This()` is an engine of ours.
  template <typename Body>
  auto Run(const Napi::CallbackInfo& info, Body&& body) const -> decltype(body());
  // Throws unless it is open.
  Engine& Open(const Napi::CallbackInfo& info) const;
  // Of `n` ids, the first.
  Napi::Value Accepted(Napi::Env env, const Result<RequestId>& id, std::uint32_t n = 1);

  void Hold(bool hold) override;

  std::shared_ptr<EngineSession> session_;
};

}  // namespace medinfer
