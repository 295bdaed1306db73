#include "exit_guard.h"

#include <cstdlib>
#include <unordered_set>

#include "engine_session.h"
#include "medinfer/mutex.h"

namespace medinfer {
namespace {

struct Registry {
  Mutex mutex;
  std::unordered_set<EngineSession*> sessions MEDINFER_GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

void StopAll() {
  Registry& registry = TheRegistry();
  const MutexLock lock(registry.mutex);
  for (EngineSession* session : registry.sessions) session->StopThreads();
}

}  // namespace

void ExitGuard::Add(EngineSession* session) {
  {
    Registry& registry = TheRegistry();
    const MutexLock lock(registry.mutex);
    registry.sessions.insert(session);
  }
  Rearm();
}

void ExitGuard::Remove(EngineSession* session) {
  Registry& registry = TheRegistry();
  const MutexLock lock(registry.mutex);
  registry.sessions.erase(session);
}

void ExitGuard::Rearm() {
  // Where the table of handlers is full there is still the "exit" event.
  static_cast<void>(std::atexit(StopAll));
}

}  // namespace medinfer
