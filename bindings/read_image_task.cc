#include "read_image_task.h"

#include <exception>
#include <memory>
#include <utility>

#include "addon_data.h"
#include "errors.h"

namespace medinfer {

// The C functions instead of Napi::AsyncWorker, whose callbacks throw, or end the process, where the environment is
// being torn down.
Napi::Promise ReadImageTask::Start(Napi::Env env, const ErrorClass* errors, std::string path, std::uint64_t max_bytes) {
  auto task = std::make_unique<ReadImageTask>(env, errors, std::move(path), max_bytes);
  const Napi::String name = Napi::String::New(env, "medinfer.readImage");
  if (napi_create_async_work(env, nullptr, name, Execute, Complete, task.get(), &task->work_) != napi_ok ||
      napi_queue_async_work(env, task->work_) != napi_ok) {
    throw Napi::Error::New(env);
  }
  return task.release()->deferred_.Promise();
}

ReadImageTask::ReadImageTask(Napi::Env env, const ErrorClass* errors, std::string path, std::uint64_t max_bytes)
    : env_(env),
      errors_(errors),
      path_(std::move(path)),
      max_bytes_(max_bytes),
      deferred_(Napi::Promise::Deferred::New(env)) {}

ReadImageTask::~ReadImageTask() {
  if (work_ != nullptr) static_cast<void>(napi_delete_async_work(env_, work_));
}

void ReadImageTask::Execute(napi_env /*env*/, void* task) {
  auto* self = static_cast<ReadImageTask*>(task);
  try {
    self->result_ = ImageData::Read(self->path_, self->max_bytes_);
  } catch (const std::exception&) {
    self->result_ = Status(Code::kOutOfMemory, "not enough memory to read the image");
  }
}

void ReadImageTask::Complete(napi_env env, napi_status status, void* task) {
  const std::unique_ptr<ReadImageTask> self(static_cast<ReadImageTask*>(task));
  // Cancelled: the environment is being torn down.
  if (status != napi_ok || !self->result_) return;
  const Napi::HandleScope scope(env);
  try {
    self->Settle();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): as above, there is nobody to tell
  }
}

void ReadImageTask::Settle() {
  const ErrorScope errors(env_, errors_);
  if (result_->ok()) {
    deferred_.Resolve(AddonData::Of(env_).NewImageObject(std::move(result_->value())));
  } else if (napi_value error = ErrorValue(env_, result_->status()); error != nullptr) {
    deferred_.Reject(error);
  }
}

}  // namespace medinfer
