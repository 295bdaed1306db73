#include "engine/session_store.h"

#include <new>
#include <system_error>
#include <utility>

namespace medinfer {

void SessionStore::Save(SaveCommand command) {
  const RequestId id = command.id;
  open_.insert(id);
  if (!parts_.cache.shares()) {
    End(id, {id, Failed{{Code::kInvalidArgument,
                         "this model keeps a memory of its own (sliding windows, recurrent states or the like): its "
                         "sessions cannot be saved, save their messages"}}});
    return;
  }
  try {
    KvCache::StateCells state = parts_.cache.ReadState(command.state);
    SessionData data{std::move(command.note),     std::move(state.salt), std::move(state.keys), state.cells,
                     parts_.cache.BytesPerCell(), std::move(state.bytes)};
    Start(id, [id, path = std::move(command.path), data = std::move(data), &files = parts_.files, &inbox = parts_.inbox,
               &identity = parts_.identity] {
      Status status = WriteSession(path, data, identity, [&files] { return files.closed(); });
      if (status.ok()) {
        inbox.Push(FileOutcome{id, Saved{data.cells}});
      } else {
        inbox.Push(FileOutcome{id, std::move(status)});
      }
    });
  } catch (const std::bad_alloc&) {
    End(id, {id, Failed{{Code::kOutOfMemory, "not enough memory to save the session"}}});
  }
}

void SessionStore::Restore(RestoreCommand command) {
  open_.insert(command.id);
  const std::uint64_t bytes_per_cell = parts_.cache.shares() ? parts_.cache.BytesPerCell() : 0;
  Start(command.id, [id = command.id, path = std::move(command.path), bytes_per_cell, &files = parts_.files,
                     &inbox = parts_.inbox, &identity = parts_.identity] {
    FileOutcome outcome{id, {}};
    try {
      Result<SessionData> read = ReadSession(path, identity, bytes_per_cell, [&files] { return files.closed(); });
      if (read.ok()) {
        outcome.what = std::move(read.value());
      } else {
        outcome.what = read.status();
      }
    } catch (const std::bad_alloc&) {
      outcome.what = Status(Code::kOutOfMemory, "not enough memory to restore the session");
    }
    inbox.Push(std::move(outcome));
  });
}

void SessionStore::Start(RequestId id, TaskThread::Task task) {
  try {
    parts_.files.Push(std::move(task));
  } catch (const std::system_error&) {
    End(id, {id, Failed{{Code::kOutOfMemory, "the system gives no thread for the session's file"}}});
  }
}

void SessionStore::Take(FileOutcome outcome) {
  if (!open_.contains(outcome.id)) return;  // cancelled
  Event event{outcome.id, {}};
  if (auto* data = std::get_if<SessionData>(&outcome.what)) {
    event.body = Enter(outcome.id, std::move(*data));
  } else if (const auto* saved = std::get_if<Saved>(&outcome.what)) {
    event.body = *saved;
  } else {
    event.body = Failed{std::move(std::get<Status>(outcome.what))};
  }
  End(outcome.id, std::move(event));
}

// The cells of a file go where there is room, without driving running requests out.
Restored SessionStore::Enter(StateId id, SessionData data) {
  const auto beside = static_cast<std::uint32_t>(parts_.scheduler.running().size());
  const std::uint32_t cells = parts_.cache.WriteState(
      id, {std::move(data.salt), std::move(data.keys), data.cells, std::move(data.bytes)}, beside);
  return {id, cells, std::move(data.note)};
}

void SessionStore::Cancel(RequestId id, const Status& reason) {
  if (open_.contains(id)) Refuse(id, reason);
}

void SessionStore::CancelAll(const Status& reason) {
  while (!open_.empty()) Cancel(*open_.begin(), reason);
}

void SessionStore::End(RequestId id, Event event) {
  open_.erase(id);
  on_end_(id);
  parts_.outbox.End(std::move(event));
}

}  // namespace medinfer
