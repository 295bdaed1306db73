#include "addon_data.h"

#include <utility>

#include "engine_handle.h"
#include "engine_session.h"
#include "error_class.h"
#include "image_handle.h"

namespace medinfer {

AddonData* AddonData::Install(Napi::Env env) {
  auto data = std::make_unique<AddonData>(env);
  AddonData* installed = data.get();
  env.SetInstanceData(data.release());

  // See exit_guard.h. A program may have no `process`, or one of its own.
  const Napi::Value process = env.Global().Get("process");
  if (process.IsObject() && process.As<Napi::Object>().Get("once").IsFunction()) {
    const auto on_exit =
        Napi::Function::New(env, [](const Napi::CallbackInfo& info) { Of(info.Env()).StopSessions(); });
    process.As<Napi::Object>().Get("once").As<Napi::Function>().Call(process,
                                                                     {Napi::String::New(env, "exit"), on_exit});
  }
  return installed;
}

AddonData& AddonData::Of(Napi::Env env) { return *Find(env); }

AddonData* AddonData::Find(Napi::Env env) { return env.GetInstanceData<AddonData>(); }

AddonData::AddonData(Napi::Env env)
    : engine_class_(Napi::Persistent(EngineHandle::Define(env))),
      image_class_(Napi::Persistent(ImageHandle::Define(env))) {}

AddonData::~AddonData() = default;

void AddonData::Add(std::shared_ptr<EngineSession> session) { sessions_.insert(std::move(session)); }

void AddonData::Remove(EngineSession* session) { sessions_.erase(session->shared_from_this()); }

Napi::Object AddonData::NewEngineObject(std::shared_ptr<EngineSession> session) {
  session_to_wrap_ = std::move(session);
  Napi::Object object = engine_class_.New({});
  return object;
}

std::shared_ptr<EngineSession> AddonData::TakeSessionToWrap() { return std::exchange(session_to_wrap_, nullptr); }

Napi::Object AddonData::NewImageObject(ImageFile image) {
  image_to_wrap_ = std::move(image);
  return image_class_.New({});
}

ImageFile AddonData::TakeImageToWrap() { return std::exchange(image_to_wrap_, nullptr); }

ErrorClass* AddonData::Keep(std::unique_ptr<ErrorClass> errors) {
  return error_classes_.emplace_back(std::move(errors)).get();
}

void AddonData::StopSessions() {
  exiting = true;
  for (const auto& session : sessions_) session->StopThreads();
}

}  // namespace medinfer
