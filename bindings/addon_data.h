// What one environment (the main thread, or one worker) knows of this addon. Nothing of it is shared
// between environments. JS thread only.
#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "medinfer/image_file.h"
#include "napi_setup.h"

namespace medinfer {

class EngineSession;
class ErrorClass;

class AddonData {
 public:
  // Becomes the environment's instance data, which owns it.
  static AddonData* Install(Napi::Env env);
  static AddonData& Of(Napi::Env env);
  // Null before Install.
  static AddonData* Find(Napi::Env env);

  explicit AddonData(Napi::Env env);
  ~AddonData();
  AddonData(const AddonData&) = delete;
  AddonData& operator=(const AddonData&) = delete;

  // Sessions live here from load() until their thread-safe function is gone.
  void Add(std::shared_ptr<EngineSession> session);
  void Remove(EngineSession* session);

  // Wraps a loaded session into a JavaScript engine. Throws.
  Napi::Object NewEngineObject(std::shared_ptr<EngineSession> session);
  // For EngineHandle's constructor: null where JavaScript called it.
  std::shared_ptr<EngineSession> TakeSessionToWrap();

  // Wraps an image into a JavaScript object. Throws.
  Napi::Object NewImageObject(ImageFile image);
  // For ImageHandle's constructor: null where JavaScript called it.
  ImageFile TakeImageToWrap();

  // Kept until the environment ends: functions that the library may still call point to it.
  ErrorClass* Keep(std::unique_ptr<ErrorClass> errors);

  bool backends_ready = false;
  // "exit" was emitted: nothing may be loaded any more.
  bool exiting = false;
  // See ErrorScope.
  const ErrorClass* errors_in_force = nullptr;

 private:
  void StopSessions();

  Napi::FunctionReference engine_class_;
  std::shared_ptr<EngineSession> session_to_wrap_;
  Napi::FunctionReference image_class_;
  ImageFile image_to_wrap_;
  std::unordered_set<std::shared_ptr<EngineSession>> sessions_;
  std::vector<std::unique_ptr<ErrorClass>> error_classes_;
};

}  // namespace medinfer
