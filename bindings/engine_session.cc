#include "engine_session.h"

#include <system_error>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "convert.h"
#include "errors.h"
#include "exit_guard.h"
#include "quick_wake_up.h"

namespace medinfer {
namespace {

bool IsTerminal(const Event& event) {
  return std::holds_alternative<Done>(event.body) || std::holds_alternative<Scored>(event.body) ||
         std::holds_alternative<Embedded>(event.body) || std::holds_alternative<Pooled>(event.body) ||
         std::holds_alternative<Counted>(event.body) || std::holds_alternative<Saved>(event.body) ||
         std::holds_alternative<Restored>(event.body) || std::holds_alternative<AdapterLoaded>(event.body) ||
         std::holds_alternative<AdapterUnloaded>(event.body) || std::holds_alternative<Failed>(event.body);
}

// False in an environment that is being torn down: most N-API functions fail there.
bool CanRunJavaScript(napi_env env, napi_value function) {
  bool has = false;
  return function != nullptr && napi_has_named_property(env, function, "name", &has) == napi_ok;
}

// An exception of the library's own callback has no caller to go to: it becomes an uncaught one
// instead of the deprecation warning that node makes of it.
void ReportException(napi_env env) {
  napi_value exception = nullptr;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &exception) != napi_ok) return;
  static_cast<void>(napi_fatal_exception(env, exception));
}

void Call(napi_env env, napi_value function, napi_value argument) {
  napi_value undefined = nullptr;
  if (napi_get_undefined(env, &undefined) != napi_ok) return;
  if (napi_call_function(env, undefined, function, 1, &argument, nullptr) != napi_ok) {
    ReportException(env);
  }
}

}  // namespace

std::shared_ptr<EngineSession> EngineSession::Start(AddonData& addon, Napi::Env env, const ErrorClass* errors,
                                                    LoadOptions options, Napi::Function on_events,
                                                    Napi::Function on_progress) {
  PreferQuickWakeUp();
  auto session = std::make_shared<EngineSession>(addon, env, errors);
  session->on_progress_ = Napi::Persistent(on_progress);
  session->channel_ = EventChannel::Open(env, on_events, session.get());
  // From here on the thread-safe function points to the session, so AddonData keeps it.
  addon.Add(session);
  try {
    // After the channel: hooks run in reverse order, and the threads must have ended before node's
    // own hook frees the thread-safe function.
    napi_add_env_cleanup_hook(env, CleanupHook, session.get());
    session->hooked_ = true;
    ExitGuard::Add(session.get());
    session->load_ = std::make_unique<LoadTask>(std::move(options), session->channel_);
  } catch (...) {
    session->state_ = State::kClosed;
    session->Release();
    throw;
  }
  return session;
}

EngineSession::EngineSession(AddonData& addon, Napi::Env env, const ErrorClass* errors)
    : addon_(addon), env_(env), errors_(errors), load_deferred_(Napi::Promise::Deferred::New(env)) {}

EngineSession::~EngineSession() { StopThreads(); }

void EngineSession::AbortLoad() {
  if (load_) load_->Abort();
}

void EngineSession::AddPending(RequestId id) {
  pending_.insert(id);
  UpdateLiveness();
}

void EngineSession::SetPaused(RequestId id, bool paused) {
  if (!pending_.contains(id)) return;
  if (paused) {
    paused_.insert(id);
  } else {
    paused_.erase(id);
  }
  UpdateLiveness();
}

void EngineSession::Detach() {
  handle_ = nullptr;
  handle_held_ = false;
  // Nobody can reach the engine any more.
  if (state_ == State::kOpen) BeginClose();
}

Napi::Promise EngineSession::Close(Napi::Env env) {
  if (!close_promise_.IsEmpty()) return close_promise_.Value().As<Napi::Promise>();
  auto deferred = Napi::Promise::Deferred::New(env);
  close_promise_ = Napi::Persistent(deferred.Promise().As<Napi::Object>());
  if (state_ == State::kOpen) BeginClose();
  if (state_ == State::kClosed) {
    deferred.Resolve(env.Undefined());
  } else {
    close_deferred_ = deferred;
    UpdateLiveness();
  }
  return deferred.Promise();
}

void EngineSession::BeginClose() {
  state_ = State::kClosing;
  const auto close = [this](std::unique_ptr<Engine>& engine) {
    engine->Close();
    engine.reset();
    closer_done_.store(true, std::memory_order_release);
    channel_->Wake();
  };
  try {
    closer_ = std::thread([this, close] { close(engine_); });
  } catch (const std::system_error&) {
    // No thread to be had: better to block than to leak.
    close(engine_);
  }
  UpdateLiveness();
}

void EngineSession::StopThreads() {
  if (load_) {
    load_->Abort();
    load_.reset();
  }
  if (closer_.joinable()) closer_.join();
  if (engine_) {
    engine_->Close();
    engine_.reset();
  }
  state_ = State::kClosed;
}

void EngineSession::CleanupHook(void* session) {
  auto* self = static_cast<EngineSession*>(session);
  self->hooked_ = false;
  self->StopThreads();
  ExitGuard::Remove(self);
  self->channel_->Release(napi_tsfn_abort);
}

void EngineSession::OnWake(napi_env env, napi_value on_events) {
  channel_->AcknowledgeWake();
  if (!CanRunJavaScript(env, on_events)) return;
  const Napi::HandleScope scope(env);
  const ErrorScope errors(env, errors_);
  try {
    if (state_ == State::kLoading) ReportProgress(env);
    if (state_ == State::kLoading && load_->done()) FinishLoad(env);
    // Looked at before the events: whatever was sent before the end is then among them.
    const bool closed = closer_done_.load(std::memory_order_acquire);
    Deliver(env, on_events);
    if (closed && state_ == State::kClosing) FinishClose(env);
    UpdateLiveness();
  } catch (const std::exception&) {
    // Napi::Error: the environment is being torn down. Others: out of memory. There is nobody to report to, so nothing
    // goes on.
    StopThreads();
    Release();
  }
}

void EngineSession::ReportProgress(Napi::Env env) {
  if (load_->aborted()) return;
  const std::optional<float> progress = load_->TakeProgress();
  if (progress) Call(env, on_progress_.Value(), Napi::Number::New(env, *progress));
}

void EngineSession::FinishLoad(Napi::Env env) {
  // The callback above may have aborted a load that was over.
  const bool aborted = load_->aborted();
  Result<std::unique_ptr<Engine>> result = load_->Join();
  load_.reset();
  on_progress_.Reset();
  if (!result.ok()) {
    state_ = State::kClosed;
    load_deferred_.Reject(ErrorValue(env, result.status()));
    Release();
    return;
  }
  engine_ = std::move(result.value());
  state_ = State::kOpen;
  if (aborted) {
    load_deferred_.Reject(ErrorValue(env, {Code::kAborted, "the load was aborted"}));
    BeginClose();
    return;
  }
  load_deferred_.Resolve(addon_.NewEngineObject(shared_from_this()));
}

void EngineSession::Deliver(Napi::Env env, napi_value on_events) {
  const std::vector<Event> events = channel_->Take();
  if (events.empty()) return;
  for (const Event& event : events) {
    if (!IsTerminal(event)) continue;
    pending_.erase(event.id);
    paused_.erase(event.id);
  }
  napi_value array = EventsToJs(env, events);
  if (array != nullptr) Call(env, on_events, array);
}

void EngineSession::FinishClose(Napi::Env env) {
  if (closer_.joinable()) closer_.join();
  state_ = State::kClosed;
  if (close_deferred_) close_deferred_->Resolve(env.Undefined());
  close_deferred_.reset();
  Release();
}

void EngineSession::Release() {
  UpdateLiveness();
  ExitGuard::Remove(this);
  if (hooked_) napi_remove_env_cleanup_hook(env_, CleanupHook, this);
  hooked_ = false;
  channel_->Release(napi_tsfn_release);
}

void EngineSession::OnReleased() { addon_.Remove(this); }

void EngineSession::UpdateLiveness() {
  const bool working = pending_.size() > paused_.size();
  channel_->KeepAlive(env_, state_ == State::kLoading || working || close_deferred_.has_value());
  const bool busy = !pending_.empty();
  if (handle_ != nullptr && busy != handle_held_) {
    handle_held_ = busy;
    handle_->Hold(busy);
  }
}

}  // namespace medinfer
