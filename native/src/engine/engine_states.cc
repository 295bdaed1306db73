// Kept states: what a request leaves in the cache, and how others go on from it; sessions on disk.
#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "engine/engine_loop.h"

namespace medinfer {

// The sequence has ended well: its cells stay, under its id. 0 where there is nothing to keep.
StateId EngineLoop::Keep(Sequence& sequence) {
  if (!sequence.request.keep || !parts_.decoder.paged() || sequence.state != SequenceState::kRunning) return 0;
  std::erase(running_, &sequence);
  parts_.decoder.Forget(sequence.slot);
  PageTable table = parts_.pool.Detach(sequence.slot);
  table.Truncate(sequence.written());
  sequence.state = SequenceState::kEnded;
  states_.Keep(sequence.id, std::move(table), std::move(sequence.keys), sequence.request.cache_salt);
  return sequence.id;
}

// The cells of the state that the sequence begins from, where they are more than `found`. A state that the prompt does
// not go on from as it is, is shared in whole pages: then what follows can be cached.
std::optional<PageTable> EngineLoop::ForkBase(const Sequence& sequence, std::uint32_t found) {
  const KeptStates::State* base = sequence.request.base == 0 ? nullptr : states_.Find(sequence.request.base);
  if (base == nullptr || base->salt != sequence.request.cache_salt) return std::nullopt;
  const auto end = base->keys->begin() + static_cast<std::ptrdiff_t>(base->table.size());
  const auto [theirs, mine] = std::mismatch(base->keys->begin(), end, sequence.keys.begin(), sequence.keys.end());
  const auto common = static_cast<std::uint32_t>(theirs - base->keys->begin());
  std::uint32_t usable = sequence.UsableMatch(common, 1);
  if (usable < base->table.size()) usable = sequence.UsableMatch(common, parts_.pool.page_size());
  if (usable <= found) return std::nullopt;
  PageTable table = base->table.Fork();
  table.Truncate(usable);
  return table;
}

// As KvPool::Acquire; kept states give up their tables before a request has to wait for pages. REQUIRES: an id is free.
std::optional<SequenceId> EngineLoop::Acquire(PageTable& prefix, std::uint32_t more, std::uint32_t headroom) {
  for (;;) {
    const std::optional<SequenceId> slot = parts_.pool.Acquire(prefix, more, headroom);
    if (slot || !states_.GiveUpOne()) return slot;
  }
}

void EngineLoop::Handle(const ForkStateCommand& command) { states_.Fork(command.from, command.to); }

void EngineLoop::Handle(const DropStateCommand& command) { states_.Drop(command.state); }

void EngineLoop::Handle(SaveCommand command) {
  files_.insert(command.id);
  if (!parts_.decoder.paged()) {
    EndFile(
        command.id,
        {command.id, Failed{{Code::kInvalidArgument,
                             "this model keeps a memory of its own (sliding windows, recurrent states or the like): "
                             "its sessions can not be saved, save their messages"}}});
    return;
  }
  try {
    StartFile(command.id, [id = command.id, path = std::move(command.path), data = Copy(command), &files = parts_.files,
                           &inbox = parts_.inbox, &identity = parts_.identity] {
      Status status = WriteSession(path, data, identity, [&files] { return files.closed(); });
      if (status.ok()) {
        inbox.Push(FileOutcome{id, Saved{data.cells}});
      } else {
        inbox.Push(FileOutcome{id, std::move(status)});
      }
    });
  } catch (const std::bad_alloc&) {
    EndFile(command.id, {command.id, Failed{{Code::kOutOfMemory, "not enough memory to save the session"}}});
  }
}

// What is written of a state, as it is now. Throws std::bad_alloc.
SessionData EngineLoop::Copy(SaveCommand& command) {
  SessionData data;
  data.note = std::move(command.note);
  data.bytes_per_cell = parts_.decoder.BytesPerCell();
  const KeptStates::State* state = states_.Find(command.state);
  if (state == nullptr) return data;
  // Where the table was given up, what the prefix cache still has is as good.
  const PageTable cached = parts_.pool.FindPrefix(*state->keys, state->salt);
  const PageTable& table = cached.size() > state->table.size() ? cached : state->table;
  data.salt = state->salt;
  data.keys = *state->keys;
  data.cells = table.size();
  data.bytes = parts_.decoder.ReadCells(table, data.cells);
  return data;
}

void EngineLoop::Handle(RestoreCommand command) {
  files_.insert(command.id);
  const std::uint64_t bytes_per_cell = parts_.decoder.paged() ? parts_.decoder.BytesPerCell() : 0;
  StartFile(command.id, [id = command.id, path = std::move(command.path), bytes_per_cell, &files = parts_.files,
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

void EngineLoop::StartFile(RequestId id, TaskThread::Task task) {
  try {
    parts_.files.Push(std::move(task));
  } catch (const std::system_error&) {
    EndFile(id, {id, Failed{{Code::kOutOfMemory, "the system gives no thread for the session's file"}}});
  }
}

void EngineLoop::Handle(FileOutcome outcome) {
  if (!files_.contains(outcome.id)) return;  // cancelled
  Event event{outcome.id, {}};
  if (auto* data = std::get_if<SessionData>(&outcome.what)) {
    event.body = Restore(outcome.id, std::move(*data));
  } else if (const auto* saved = std::get_if<Saved>(&outcome.what)) {
    event.body = *saved;
  } else {
    event.body = Failed{std::move(std::get<Status>(outcome.what))};
  }
  EndFile(outcome.id, std::move(event));
}

// Puts the cells of a file where there is room, without driving running requests out. What finds none, and what the
// prefix cache has already, is left aside.
Restored EngineLoop::Restore(StateId id, SessionData data) {
  KvPool& pool = parts_.pool;
  PageTable table = pool.FindPrefix(std::span(data.keys).first(data.cells), data.salt);
  const std::uint32_t begin = table.size();
  const auto room = [&] {
    const std::uint32_t beside = static_cast<std::uint32_t>(running_.size());
    return pool.available() > beside ? (pool.available() - beside) * pool.page_size() : 0;
  };
  while (data.cells - begin > room() && states_.GiveUpOne()) continue;
  const std::uint32_t end = begin + std::min(data.cells - begin, room());
  if (pool.Extend(table, end - begin)) {
    parts_.decoder.WriteCells(table, begin, end, data.cells, data.bytes);
    pool.Commit(table, std::span(data.keys).first(end), data.salt);
  }
  Restored restored{id, table.size(), std::move(data.note)};
  states_.Keep(id, std::move(table), std::move(data.keys), std::move(data.salt));
  return restored;
}

void EngineLoop::EndFile(RequestId id, Event event) {
  files_.erase(id);
  on_end_(id);
  outbox_.End(std::move(event));
}

}  // namespace medinfer
