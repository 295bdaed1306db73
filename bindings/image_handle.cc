#include "image_handle.h"

#include <algorithm>

#include "addon_data.h"
#include "errors.h"

namespace medinfer {
namespace {

constexpr napi_type_tag kImageTag = {0x6d6564696e666572, 0x2b6f41c89e0d7735};

}  // namespace

Napi::Function ImageHandle::Define(Napi::Env env) {
  return DefineClass(env, "NativeImage",
                     {InstanceMethod<&ImageHandle::Bytes>("bytes"), InstanceMethod<&ImageHandle::Release>("release")});
}

const ImageHandle* ImageHandle::Find(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kImageTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>());
}

ImageHandle::ImageHandle(const Napi::CallbackInfo& info)
    : ObjectWrap(info), file_(AddonData::Of(info.Env()).TakeImageToWrap()) {
  if (file_ == nullptr) ThrowWrongType(info.Env(), "an image comes from readImage(), not from new");
  info.This().As<Napi::Object>().TypeTag(&kImageTag);
}

Napi::Value ImageHandle::Bytes(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), nullptr, [&]() -> Napi::Value {
    if (Find(info.This()) == nullptr || file_ == nullptr) {
      ThrowWrongType(info.Env(), "this must be an image that was not released");
    }
    Napi::Uint8Array copy = Napi::Uint8Array::New(info.Env(), file_->size());
    std::ranges::copy(file_->bytes(), copy.Data());
    return copy;
  });
}

void ImageHandle::Release(const Napi::CallbackInfo& info) {
  Guarded(info.Env(), nullptr, [&] {
    if (Find(info.This()) == nullptr) ThrowWrongType(info.Env(), "this must be an image");
    file_.reset();
  });
}

}  // namespace medinfer
