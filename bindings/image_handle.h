// An image that the addon has read: NativeImage in lib/native/types.ts. JS thread only.
//
// Its bytes lie outside of JavaScript's memory, uncopied from the disk to the engine: as buffers of JavaScript's, each
// page of a large job would bring the next collection of garbage nearer, with threads of its own on the engine's cores.
#pragma once

#include "medinfer/image_file.h"
#include "napi_setup.h"

namespace medinfer {

class ImageHandle final : public Napi::ObjectWrap<ImageHandle> {
 public:
  // The JavaScript class of this environment.
  static Napi::Function Define(Napi::Env env);
  // Null where the value is no image of ours.
  static const ImageHandle* Find(const Napi::Value& value);

  // REQUIRES: AddonData holds the image to wrap; throws where JavaScript called `new`.
  explicit ImageHandle(const Napi::CallbackInfo& info);

  // Null once released.
  const ImageFile& file() const { return file_; }

 private:
  Napi::Value Bytes(const Napi::CallbackInfo& info);
  void Release(const Napi::CallbackInfo& info);

  ImageFile file_;
};

}  // namespace medinfer
